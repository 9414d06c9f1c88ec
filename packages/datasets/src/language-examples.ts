/**
 * Texts for training a language model, in the three forms that files have:
 *
 *   { "text": "…" }                              every token is learned
 *   { "prompt": "…", "completion": "…" }         the completion is learned
 *   { "messages": [{ "role": …, "content": … }, …], "tools": […] }      what the assistant says is learned
 *
 * The form is found out from the fields of the first row, or named by options; every row must then have it.
 */
import type { Registry } from '@loran/plugin';
import { z } from 'zod';
import { inMemory, type InMemoryDataset } from './dataset.js';
import { DatasetError, quoted } from './dataset-error.js';
import { readerFor, type DatasetReader, type Row } from './dataset-reader.js';

const message = z.looseObject({
  role: z.string().min(1),
  content: z.union([z.string(), z.null()]).optional(),
  tool_calls: z.array(z.unknown()).nullish(),
  /** Whether this turn of the assistant is learned; default yes. */
  train: z.union([z.boolean(), z.literal(0), z.literal(1)]).nullish(),
});

/** One turn of a conversation, with any further fields that a chat template reads. */
export type ChatMessage = z.infer<typeof message>;

interface Common {
  readonly id?: string;
  /** Line in the file, for messages about the example. */
  readonly line: number;
}

export type LanguageExample =
  | (Common & { readonly form: 'text'; readonly text: string })
  | (Common & { readonly form: 'completion'; readonly prompt: string; readonly completion: string })
  | (Common & {
      readonly form: 'chat';
      readonly messages: readonly ChatMessage[];
      readonly tools?: readonly unknown[];
    });

export interface LanguageOptions {
  /** Field with a text; default 'text'. Naming it chooses that form, and so do the others. */
  readonly textField?: string;
  /** Default 'prompt'. */
  readonly promptField?: string;
  /** Default 'completion'. */
  readonly completionField?: string;
  /** Default 'messages'. */
  readonly messagesField?: string;
  /** Known formats; default `builtInReaders()`. */
  readonly readers?: Registry<DatasetReader>;
}

/**
 * Reads a file of texts whole. Throws DatasetError: no field of a known form, a field that is missing or of the wrong type
 * (with its line), a conversation without turns, a file without examples, and whatever the reader finds.
 */
export async function readLanguageExamples(
  file: string,
  options: LanguageOptions = {},
): Promise<InMemoryDataset<LanguageExample>> {
  const items: LanguageExample[] = [];
  let form: LanguageExample['form'] | undefined;
  for await (const row of readerFor(file, options.readers).rows(file)) {
    form ??= formOf(row, options, file);
    items.push(exampleOf(row, form, options, file));
  }
  if (items.length === 0) {
    throw new DatasetError({
      code: 'DATASET_EMPTY',
      file,
      found: 'there are no examples',
      expected: 'at least one row',
    });
  }
  return inMemory(file, items);
}

const fieldsOf = (options: LanguageOptions) => ({
  text: options.textField ?? 'text',
  prompt: options.promptField ?? 'prompt',
  completion: options.completionField ?? 'completion',
  messages: options.messagesField ?? 'messages',
});

function formOf(row: Row, options: LanguageOptions, file: string): LanguageExample['form'] {
  if (options.messagesField !== undefined) return 'chat';
  if (options.promptField !== undefined || options.completionField !== undefined) return 'completion';
  if (options.textField !== undefined) return 'text';
  const { text, prompt, completion, messages } = fieldsOf(options);
  const has = (field: string) => Object.hasOwn(row.fields, field);
  if (has(messages)) return 'chat';
  if (has(prompt) && has(completion)) return 'completion';
  if (has(text)) return 'text';
  throw new DatasetError({
    code: 'DATASET_MISSING_FIELD',
    file,
    line: row.line,
    found: `the row has ${quoted(Object.keys(row.fields))}`,
    expected: "'text', or 'prompt' and 'completion', or 'messages'",
    advice: 'Fields of other names can be given with textField, promptField and completionField, or messagesField',
  });
}

function exampleOf(row: Row, form: LanguageExample['form'], options: LanguageOptions, file: string): LanguageExample {
  const { text, prompt, completion, messages } = fieldsOf(options);
  const string = (field: string) => stringOf(row, field, file);
  const { id } = row.fields;
  const common = {
    line: row.line,
    ...(typeof id === 'string' || typeof id === 'number' ? { id: String(id) } : {}),
  };
  switch (form) {
    case 'text':
      return { ...common, form, text: string(text) };
    case 'completion':
      return { ...common, form, prompt: string(prompt), completion: string(completion) };
    case 'chat': {
      const { tools } = row.fields;
      return {
        ...common,
        form,
        messages: messagesOf(row, messages, file),
        ...(Array.isArray(tools) ? { tools } : {}),
      };
    }
  }
}

function stringOf(row: Row, field: string, file: string): string {
  const value = row.fields[field];
  if (typeof value === 'string') return value;
  throw wrong(row, field, file, value === undefined ? 'it is missing' : `it is ${typeof value}`, 'a string');
}

function messagesOf(row: Row, field: string, file: string): readonly ChatMessage[] {
  const result = z.array(message).min(1).safeParse(row.fields[field]);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${[field, ...path].join('.')}: ${message}`);
  throw wrong(row, field, file, problems.join('; '), 'a list of turns, each with a role and a content');
}

function wrong(row: Row, field: string, file: string, found: string, expected: string): DatasetError {
  const code = row.fields[field] === undefined ? 'DATASET_MISSING_FIELD' : 'DATASET_WRONG_TYPE';
  return new DatasetError({ code, file, line: row.line, field, found, expected });
}
