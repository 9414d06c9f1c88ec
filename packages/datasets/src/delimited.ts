/**
 * Tables of delimited text, by csv-parse: the first row names the fields, every value is a string.
 *
 * CSV follows RFC 4180: quotes around a field may hold delimiters, newlines and doubled quotes.
 * TSV follows the IANA type text/tab-separated-values: a quote is an ordinary character, and a field holds no tab or newline.
 */
import { CsvError, parse } from 'csv-parse';
import { pipeline, Readable } from 'node:stream';
import { clip, DatasetError, quoted } from './dataset-error.js';
import type { DatasetReader } from './dataset-reader.js';
import { readLines } from './read-lines.js';
import { version } from './version.js';

/** What tells one kind of delimited table from another. */
export interface DelimitedFormat {
  readonly name: string;
  readonly extensions: readonly string[];
  /** One character. */
  readonly delimiter: string;
  /** The character around fields that hold delimiters or newlines; `false` where there is none. */
  readonly quote: string | false;
  /** Names of the fields, for files without a header row. */
  readonly columns?: readonly string[];
}

export const csvReader = delimitedReader({ name: 'csv', extensions: ['.csv', '.csv.gz'], delimiter: ',', quote: '"' });
export const tsvReader = delimitedReader({
  name: 'tsv',
  extensions: ['.tsv', '.tsv.gz'],
  delimiter: '\t',
  quote: false,
});

const pieceLength = 2 ** 16;
const maxRecordBytes = 2 ** 28; // a quote never closed would otherwise take the rest of the file into memory

/** A reader of one kind of delimited table, such as semicolons between fields; ours are `csvReader` and `tsvReader`. */
export function delimitedReader({ name, extensions, delimiter, quote, columns }: DelimitedFormat): DatasetReader {
  return {
    kind: 'dataset-reader',
    name,
    package: '@loran/datasets',
    version,
    extensions,
    async *rows(file) {
      const lines = new FedLines();
      const lineOf = new WeakMap<readonly string[], number>();
      const parser = parse({
        delimiter,
        quote,
        record_delimiter: ['\r\n', '\n'],
        skip_empty_lines: true,
        relax_column_count: true, // counted below, where the line is known
        max_record_size: maxRecordBytes,
        on_record: (record, { bytes }) => {
          lineOf.set(record, lines.firstOfRow(bytes)); // here, since the parser is ahead of the loop below
          return record;
        },
      });
      pipeline(Readable.from(lines.feed(file)), parser, () => {}); // the error comes out of the loop below
      let names = columns;
      try {
        for await (const record of parser as AsyncIterable<string[]>) {
          const line = lineOf.get(record)!;
          if (names === undefined) names = checkHeader(record, file, line, delimiter);
          else if (record.length !== names.length) throw wrongWidth(record.length, names, file, line);
          else yield { line, fields: Object.fromEntries(names.map((field, index) => [field, record[index]])) };
        }
      } catch (cause) {
        throw cause instanceof CsvError ? malformed(cause, file, lines.next()) : cause;
      }
    },
  };
}

/** The lines handed to the parser and not yet part of a row: csv-parse counts bytes exactly, but not lines. */
class FedLines {
  #lines: { line: number; end: number; blank: boolean }[] = [];
  #taken = 0;
  #bytes = 0;

  /** The text of `file`, in pieces of whole lines. */
  async *feed(file: string): AsyncGenerator<string> {
    let piece = '';
    for await (const { text, line } of readLines(file)) {
      this.#bytes += Buffer.byteLength(text) + 1;
      this.#lines.push({ line, end: this.#bytes, blank: text === '' || text === '\r' });
      piece += `${text}\n`;
      if (piece.length < pieceLength) continue;
      yield piece;
      piece = '';
      this.#lines = this.#lines.slice(this.#taken);
      this.#taken = 0;
    }
    yield piece;
  }

  /** The line on which the row starts that ends with byte `end`; forgets the lines to there. */
  firstOfRow(end: number): number {
    const first = this.next();
    while ((this.#lines[this.#taken]?.end ?? Infinity) <= end) this.#taken++;
    return first;
  }

  /** The first line with something in it that is not part of a row yet. */
  next(): number {
    while (this.#lines[this.#taken]?.blank === true) this.#taken++;
    return this.#lines[this.#taken]?.line ?? 1;
  }
}

function checkHeader(header: readonly string[], file: string, line: number, delimiter: string): string[] {
  const names = header.map((name) => name.trim());
  const repeated = names.filter((name, index) => names.indexOf(name) !== index);
  const other = [',', ';', '\t', '|'].find((character) => character !== delimiter && names[0]?.includes(character));
  if (repeated.length > 0) {
    throw new DatasetError({
      code: 'DATASET_MALFORMED_TABLE',
      file,
      line,
      found: `the header names ${quoted([...new Set(repeated)])} more than once`,
      expected: 'a first row with a different name for each column',
    });
  }
  if (names.length === 1 && other !== undefined) {
    throw new DatasetError({
      code: 'DATASET_MALFORMED_TABLE',
      file,
      line,
      found: `the header is one field, "${clip(names[0]!)}"`,
      expected: `fields separated by ${JSON.stringify(delimiter)}`,
      advice: `The file seems to be separated by ${JSON.stringify(other)}: save it with the other separator, or register delimitedReader({ delimiter: ${JSON.stringify(other)}, … })`,
    });
  }
  return names;
}

function wrongWidth(width: number, names: readonly string[], file: string, line: number): DatasetError {
  return new DatasetError({
    code: 'DATASET_MALFORMED_TABLE',
    file,
    line,
    found: `the row has ${width} fields`,
    expected: `${names.length}: ${quoted(names)}`,
    advice:
      'Put quotes around a field that holds the delimiter or a newline (CSV), or remove the delimiter from it (TSV)',
  });
}

function malformed(cause: CsvError, file: string, line: number): DatasetError {
  const open = cause.code === 'CSV_QUOTE_NOT_CLOSED' || cause.code === 'CSV_MAX_RECORD_SIZE';
  return new DatasetError({
    code: 'DATASET_MALFORMED_TABLE',
    file,
    line,
    found: open ? 'a quote opens in the row that starts here and is never closed' : `malformed row (${cause.message})`,
    expected: 'fields as RFC 4180 has them',
    advice: 'A field that holds a quote is put in quotes, and the quote written twice: "say ""yes"""',
    cause,
  });
}
