/**
 * A dataset reader: a file format as a stream of rows. Chosen by the ending of the file's name, from a registry, so that a
 * plugin can add a format:
 *
 *   const readers = builtInReaders().add(parquetReader);
 *   await readTextClassification('mails.parquet', { readers });
 */
import { Registry, type Plugin } from '@loran/plugin';
import { DatasetError } from './dataset-error.js';
import { csvReader, tsvReader } from './delimited.js';
import { jsonLinesReader } from './json-lines.js';

export interface DatasetReader extends Plugin {
  readonly kind: 'dataset-reader';
  /** Endings of file names, in lower case and with the dot: '.jsonl', '.jsonl.gz'. The longest that fits decides. */
  readonly extensions: readonly string[];
  /** The rows in file order, streamed. Throws DatasetError on malformed input. */
  rows(file: string): AsyncIterable<Row>;
}

export interface Row {
  /** Where the row starts, counted from 1; rows of a binary format are counted instead. */
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A new registry with the readers of this package: JSON Lines, CSV and TSV, each plain or gzip. */
export function builtInReaders(): Registry<DatasetReader> {
  return new Registry<DatasetReader>('dataset-reader', [jsonLinesReader, csvReader, tsvReader]);
}

/** The reader whose extension fits `file`; throws DATASET_FORMAT_UNKNOWN, which lists the known ones. */
export function readerFor(file: string, readers: Registry<DatasetReader> = builtInReaders()): DatasetReader {
  const name = file.toLowerCase();
  const candidates = readers.list().flatMap((reader) => reader.extensions.map((extension) => ({ reader, extension })));
  const best = candidates
    .filter(({ extension }) => name.endsWith(extension))
    .sort((a, b) => b.extension.length - a.extension.length)[0];
  if (best !== undefined) return best.reader;
  throw new DatasetError({
    code: 'DATASET_FORMAT_UNKNOWN',
    file,
    found: 'no dataset reader knows this kind of file',
    expected: `a name that ends in ${candidates.map(({ extension }) => extension).join(', ')}`,
    advice: 'Rename or convert the file, or add a reader plugin for it',
  });
}
