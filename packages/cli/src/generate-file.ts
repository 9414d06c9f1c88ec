/** `generate --data`: a continuation for every row of a file, in its order, written as JSON lines. */
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { type DatasetReader, readerFor } from '@loran/datasets';
import type { Lab, Prompt, StreamOptions, TextGenerator } from '@loran/experiments';
import type { ChatMessage } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { barOf } from './lab-flags.js';
import { line, type Screen } from './terminal.js';

export interface FileFlags {
  readonly data: string;
  readonly output?: string;
  readonly promptField?: string;
  readonly messagesField?: string;
  readonly batchSize?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Reads all rows before the first is answered. Throws NO_PROMPT with the line. */
export async function generateForFile(
  generator: TextGenerator,
  lab: Pick<Lab, 'plugins'>,
  { output, batchSize = 8, json, quiet, ...flags }: FileFlags,
  generation: StreamOptions,
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  const prompts = await promptsOf(lab, flags);
  const { out } = screen;
  const bar = barOf({ quiet }, screen);
  const target = output === undefined ? out : await newFile(output);
  const write = async (text: string) => {
    if (target === out) bar.clear(); // both may be the same terminal
    if (!target.write(`${text}\n`)) await once(target, 'drain');
  };
  let [done, tokens] = [0, 0];
  const show = () => {
    bar.show({ phase: 'generate', done, total: prompts.length, unit: 'rows', tokens });
  };
  show();
  for (let start = 0; start < prompts.length; start += batchSize) {
    const batch = prompts.slice(start, start + batchSize);
    const texts = batch.map(() => ({ text: '', tokens: [] as number[] }));
    for await (const { index, id, text, finished } of generator.stream(batch, generation, signal)) {
      texts[index]!.tokens.push(id);
      texts[index]!.text += text;
      tokens += 1;
      if (finished !== undefined) done += 1;
      if (done < start + batch.length) show();
    }
    for (const [i, { text, tokens: ids }] of texts.entries()) {
      const prompt = batch[i]!;
      await write(
        JSON.stringify({ ...(typeof prompt === 'string' ? { prompt } : { messages: prompt }), text, tokens: ids }),
      );
    }
    done = start + batch.length;
    show();
  }
  if (target !== out) {
    target.end();
    await once(target, 'finish');
  }
  const examples = prompts.length;
  if (json === true) line(out, JSON.stringify({ examples, tokens, ...(output === undefined ? {} : { output }) }));
}

/** Rows need the prompt or the conversation; others of their fields are not read. */
async function promptsOf(
  lab: Pick<Lab, 'plugins'>,
  {
    data,
    promptField = 'prompt',
    messagesField = 'messages',
  }: Pick<FileFlags, 'data' | 'promptField' | 'messagesField'>,
): Promise<Prompt[]> {
  const prompts: Prompt[] = [];
  const reader = readerFor(data, lab.plugins<DatasetReader>('dataset-reader'));
  for await (const { line: number, fields } of reader.rows(data)) {
    const prompt = Object.hasOwn(fields, messagesField) ? fields[messagesField] : fields[promptField];
    if (typeof prompt !== 'string' && !Array.isArray(prompt)) {
      throw new LoranError(
        'NO_PROMPT',
        `${data}:${number}: neither '${promptField}' is a text nor '${messagesField}' a list of turns. Name the field with --prompt-field or --messages-field.`,
      );
    }
    prompts.push(prompt as string | ChatMessage[]);
  }
  return prompts;
}

/** A file that is not there yet: answers of hours are not written over. Throws FILE_EXISTS, WRITE_FAILED. */
async function newFile(file: string): Promise<NodeJS.WritableStream> {
  try {
    return (await open(file, 'wx')).createWriteStream();
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new LoranError(
      exists ? 'FILE_EXISTS' : 'WRITE_FAILED',
      exists
        ? `'${file}' exists. Choose another --output, or remove it.`
        : `'${file}' cannot be written: ${String(cause)}.`,
      { cause },
    );
  }
}
