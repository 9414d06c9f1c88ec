/**
 * What is wrong with a dataset, where, what was expected, and what to do.
 *
 * The message reads `file:line: field 'text' is a number. Expected a string. …`; `file`, `line` and `field` are there for programs too.
 */
import { LoranError } from '@loran/plugin';

export type DatasetErrorCode =
  | 'DATASET_FILE_UNREADABLE'
  | 'DATASET_FORMAT_UNKNOWN'
  | 'DATASET_ENCODING'
  | 'DATASET_TRUNCATED'
  | 'DATASET_LINE_TOO_LONG'
  | 'DATASET_MALFORMED_JSON'
  | 'DATASET_MALFORMED_TABLE'
  | 'DATASET_MISSING_FIELD'
  | 'DATASET_WRONG_TYPE'
  | 'DATASET_EMPTY'
  | 'DATASET_UNKNOWN_LABEL'
  | 'DATASET_LABEL_NAMES'
  | 'DATASET_OPTION';

export interface DatasetProblem {
  readonly code: DatasetErrorCode;
  readonly file?: string;
  /** Counted from 1. */
  readonly line?: number;
  readonly field?: string;
  /** What is there. */
  readonly found: string;
  readonly expected?: string;
  /** What the user can do. */
  readonly advice?: string;
  readonly cause?: unknown;
}

export class DatasetError extends LoranError<DatasetErrorCode> {
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly field: string | undefined;

  constructor({ code, file, line, field, found, expected, advice, cause }: DatasetProblem) {
    const where = file === undefined ? '' : line === undefined ? `${file}: ` : `${file}:${line}: `;
    const parts = [`${where}${found}.`, expected && `Expected ${expected}.`, advice && `${advice}.`];
    super(code, parts.filter(Boolean).join(' '), cause === undefined ? undefined : { cause });
    this.file = file;
    this.line = line;
    this.field = field;
  }
}

/** `'a', 'b' and 3 more`: names for a message, at most `limit` of them. */
export function quoted(names: readonly string[], limit = 8): string {
  if (names.length === 0) return 'none';
  const shown = names.slice(0, limit).map((name) => `'${clip(name)}'`);
  const more = names.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** A short piece of a long or multi-line text, for a message. */
export function clip(text: string, limit = 60): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
