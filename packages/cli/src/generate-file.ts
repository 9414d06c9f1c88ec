/** `generate --data`: a continuation for every row of a file, in its order, written as JSON lines. */
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { type DatasetReader, readerFor } from '@loran/datasets';
import type { Lab, Prompt, StreamOptions, TextGenerator } from '@loran/experiments';
import type { ChatMessage } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { line, type Terminal } from './terminal.js';

export interface FileFlags {
  readonly data: string;
  readonly output?: string;
  readonly promptField?: string;
  readonly messagesField?: string;
  readonly batchSize?: number;
  readonly json?: boolean;
}

interface Row {
  readonly line: number;
  readonly prompt: Prompt;
}

/** Rows need the prompt or the conversation; others of their fields are not read. Throws NO_PROMPT with the line. */
export async function generateForFile(
  generator: TextGenerator,
  lab: Pick<Lab, 'plugins'>,
  { data, output, promptField = 'prompt', messagesField = 'messages', batchSize = 8, json }: FileFlags,
  generation: StreamOptions,
  { out, err }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const target = output === undefined ? out : await newFile(output);
  const write = async (text: string) => {
    if (!target.write(`${text}\n`)) await once(target, 'drain');
  };
  let examples = 0;
  let tokens = 0;
  const started = performance.now();
  const flush = async (rows: readonly Row[]) => {
    const texts = rows.map(() => ({ text: '', tokens: [] as number[] }));
    for await (const { index, id, text } of generator.stream(
      rows.map(({ prompt }) => prompt),
      generation,
      signal,
    )) {
      texts[index]!.tokens.push(id);
      texts[index]!.text += text;
    }
    for (const [i, { text, tokens: ids }] of texts.entries()) {
      const { prompt } = rows[i]!;
      await write(
        JSON.stringify({ ...(typeof prompt === 'string' ? { prompt } : { messages: prompt }), text, tokens: ids }),
      );
      tokens += ids.length;
    }
    examples += rows.length;
    line(err, `${examples} rows, ${(tokens / ((performance.now() - started) / 1000)).toFixed(1)} tokens/s`);
  };

  let waiting: Row[] = [];
  for await (const { line: number, fields } of readerFor(data, lab.plugins<DatasetReader>('dataset-reader')).rows(
    data,
  )) {
    const prompt = Object.hasOwn(fields, messagesField) ? fields[messagesField] : fields[promptField];
    if (typeof prompt !== 'string' && !Array.isArray(prompt)) {
      throw new LoranError(
        'NO_PROMPT',
        `${data}:${number}: neither '${promptField}' is a text nor '${messagesField}' a list of turns. Name the field with --prompt-field or --messages-field.`,
      );
    }
    waiting.push({ line: number, prompt: prompt as string | ChatMessage[] });
    if (waiting.length < batchSize) continue;
    await flush(waiting);
    waiting = [];
  }
  if (waiting.length > 0) await flush(waiting);
  if (target !== out) {
    target.end();
    await once(target, 'finish');
  }
  if (json === true) line(out, JSON.stringify({ examples, tokens, ...(output === undefined ? {} : { output }) }));
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
