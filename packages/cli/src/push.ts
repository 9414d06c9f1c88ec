/** `--push-to-hub`: what a command has written, onto the Hugging Face hub as one commit. */
import type { Command } from 'commander';
import { type Upload, uploadFolder } from '@loran/hub';
import { LoranError } from '@loran/plugin';
import { line, type Terminal } from './terminal.js';
import { transferBar } from './transfer-bar.js';

export interface PushFlags {
  readonly pushToHub?: string;
  readonly private?: boolean;
}

export function withPushFlags(command: Command): Command {
  return command
    .option(
      '--push-to-hub <repository>',
      "upload what was written to 'org/name' on the hub (HF_TOKEN, or hf auth login)",
    )
    .option('--private', 'with --push-to-hub: a repository that has to be made is private');
}

/** Throws NOTHING_TO_PUSH before anything is computed when there will be no folder to upload. */
export function checkPush({ pushToHub }: PushFlags, output: unknown): void {
  if (pushToHub === undefined || typeof output === 'string') return;
  throw new LoranError(
    'NOTHING_TO_PUSH',
    '--push-to-hub uploads a folder that is written: name it with --output FOLDER.',
  );
}

/** Uploads the files of `folder` that match `files`; undefined where nothing was asked for. Throws what uploadFolder throws. */
export async function push(
  { pushToHub, private: hidden }: PushFlags,
  folder: string,
  files: readonly string[] | undefined,
  { err }: Pick<Terminal, 'err'>,
): Promise<Upload | undefined> {
  if (pushToHub === undefined) return undefined;
  const bar = transferBar(err);
  const upload = await uploadFolder({
    folder,
    repo: pushToHub,
    message: 'Upload by loran',
    ...(files === undefined ? {} : { files }),
    ...(hidden === undefined ? {} : { private: hidden }),
    onProgress: ({ file, phase, all }) => {
      if (phase === 'uploading') bar.show(file, all);
    },
  });
  line(err, `Uploaded: ${upload.url}`);
  return upload;
}
