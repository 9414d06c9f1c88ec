/** `--push-to-hub`: what a command has written, onto the Hugging Face hub as one commit. */
import type { Command } from 'commander';
import { type Upload, uploadFolder } from '@loran/hub';
import { LoranError } from '@loran/plugin';
import { barOf, transfer } from './lab-flags.js';
import { line, type Screen } from './terminal.js';

export interface PushFlags {
  readonly pushToHub?: string;
  readonly private?: boolean;
  readonly quiet?: boolean;
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
  { pushToHub, private: hidden, quiet }: PushFlags,
  folder: string,
  files: readonly string[] | undefined,
  screen: Pick<Screen, 'err' | 'bar'>,
): Promise<Upload | undefined> {
  if (pushToHub === undefined) return undefined;
  const bar = barOf({ quiet }, screen);
  const upload = await uploadFolder({
    folder,
    repo: pushToHub,
    message: 'Upload by loran',
    ...(files === undefined ? {} : { files }),
    ...(hidden === undefined ? {} : { private: hidden }),
    onProgress: ({ file, phase, all }) => {
      if (phase === 'uploading') bar.show(transfer('upload', file, all));
    },
  });
  bar.clear();
  line(screen.err, `Uploaded: ${upload.url}`);
  return upload;
}
