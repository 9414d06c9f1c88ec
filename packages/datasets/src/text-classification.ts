/**
 * Text classification: a text and the class it belongs to, read from any file that a DatasetReader knows.
 *
 *   const train = await readTextClassification('train.jsonl');
 *   const test = await readTextClassification('test.jsonl', { labels: train.labels }); // a label never trained on is an error
 */
import { nearest, type Registry } from '@loran/plugin';
import { inMemory, type InMemoryDataset } from './dataset.js';
import { DatasetError, quoted } from './dataset-error.js';
import { readerFor, type DatasetReader, type Row } from './dataset-reader.js';
import { LabelMap } from './label-map.js';

export interface TextClassificationExample {
  readonly id?: string;
  readonly text: string;
  readonly label: string;
}

/** All examples of one file and the labels found in them. */
export interface TextClassificationDataset extends InMemoryDataset<TextClassificationExample> {
  readonly labels: LabelMap;
}

export interface TextClassificationOptions {
  /** Field with the text, a string; default 'text'. */
  readonly textField?: string;
  /** Field with the class: a string, a number or a boolean; default 'label'. */
  readonly labelField?: string;
  /** Field with an identifier of the example; default 'id', used where it is there. */
  readonly idField?: string;
  /** Field with a name to show for the label, such as 'label_text' beside a numeric 'label'; default: none. */
  readonly labelNameField?: string;
  /** The labels trained on: any other in the file throws DATASET_UNKNOWN_LABEL. Default: the labels of the file itself. */
  readonly labels?: LabelMap;
  /** Known formats; default `builtInReaders()`. */
  readonly readers?: Registry<DatasetReader>;
}

/**
 * Reads a file of texts and labels whole. Throws DatasetError: a field that is missing or of the wrong type (with its line),
 * a label that `labels` lacks, a file without examples, and whatever the reader finds.
 */
export async function readTextClassification(
  file: string,
  options: TextClassificationOptions = {},
): Promise<TextClassificationDataset> {
  const { textField = 'text', labelField = 'label', idField = 'id', labelNameField, labels, readers } = options;
  const items: TextClassificationExample[] = [];
  const firstLine = new Map<string, number>();
  const names = new Map<string, string>();

  for await (const row of readerFor(file, readers).rows(file)) {
    const text = textOf(row, textField, file);
    const label = labelOf(row, labelField, file);
    const id = idOf(row, idField);
    items.push({ ...(id !== undefined && { id }), text, label });
    if (!firstLine.has(label)) firstLine.set(label, row.line);
    if (labelNameField !== undefined)
      addName(names, label, labelOf(row, labelNameField, file), row, file, labelNameField);
  }

  if (items.length === 0) throw emptyFile(file);
  if (labels !== undefined) checkKnown(firstLine, labels, file);
  return { ...inMemory(file, items), labels: labels ?? new LabelMap(firstLine.keys(), names) };
}

function textOf(row: Row, field: string, file: string): string {
  const value = valueOf(row, field, file, 'textField');
  if (typeof value === 'string') return value;
  throw wrongType(row, field, file, value, 'a string');
}

function labelOf(row: Row, field: string, file: string): string {
  const value = valueOf(row, field, file, 'labelField');
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw wrongType(row, field, file, value, 'a string, a number or true/false');
  }
  const label = String(value).trim();
  if (label === '') throw wrongType(row, field, file, value, 'a label');
  return label;
}

function idOf(row: Row, field: string): string | undefined {
  const value = Object.hasOwn(row.fields, field) ? row.fields[field] : undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function valueOf(row: Row, field: string, file: string, option: string): unknown {
  if (Object.hasOwn(row.fields, field)) return row.fields[field];
  const present = Object.keys(row.fields);
  const near = nearest(field, present, 1);
  throw new DatasetError({
    code: 'DATASET_MISSING_FIELD',
    file,
    line: row.line,
    field,
    found: `the field '${field}' is missing; the row has ${quoted(present)}`,
    advice:
      near.length > 0 ? `If '${near[0]}' is meant, set ${option} to it` : `Another field can be named with ${option}`,
  });
}

function wrongType(row: Row, field: string, file: string, value: unknown, expected: string): DatasetError {
  const found =
    value === null
      ? 'null'
      : value === '' || (typeof value === 'string' && value.trim() === '')
        ? 'empty'
        : Array.isArray(value)
          ? 'an array'
          : `a ${typeof value}`;
  return new DatasetError({
    code: 'DATASET_WRONG_TYPE',
    file,
    line: row.line,
    field,
    found: `the field '${field}' is ${found === 'a object' ? 'an object' : found}`,
    expected,
    advice: 'Correct the row or remove it',
  });
}

function addName(names: Map<string, string>, label: string, name: string, row: Row, file: string, field: string): void {
  const known = names.get(label);
  if (known !== undefined && known !== name) {
    throw new DatasetError({
      code: 'DATASET_LABEL_NAMES',
      file,
      line: row.line,
      field,
      found: `the label '${label}' is called '${name}' here and '${known}' before`,
      expected: 'one name for each label',
    });
  }
  names.set(label, name);
}

function emptyFile(file: string): DatasetError {
  return new DatasetError({
    code: 'DATASET_EMPTY',
    file,
    found: 'the file has no examples',
    expected: 'at least one row with a text and a label',
  });
}

function checkKnown(firstLine: ReadonlyMap<string, number>, labels: LabelMap, file: string): void {
  const unknown = [...firstLine].filter(([label]) => !labels.has(label));
  const first = unknown[0];
  if (first === undefined) return;
  const shown = unknown.slice(0, 10).map(([label, line]) => `'${label}' (first in line ${line})`);
  const more = unknown.length - shown.length;
  throw new DatasetError({
    code: 'DATASET_UNKNOWN_LABEL',
    file,
    line: first[1],
    found: `labels that were not trained on: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    expected: `only ${quoted(labels.labels, 20)}`,
    advice: 'Correct the labels, remove those rows, or train on a file that has them',
  });
}
