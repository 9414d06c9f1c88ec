/**
 * The classes of a classification: label ↔ index. Indices follow the sorted labels, so they do not depend on the order of the file.
 *
 * Sorted numerically if every label is a number, else by code units, whatever the locale: '2' before '10', 'B' before 'a'.
 */
import { nearest } from '@loran/plugin';
import { DatasetError, quoted } from './dataset-error.js';

export class LabelMap {
  /** Distinct labels, sorted unless their order was given; position = class index. */
  readonly labels: readonly string[];
  /** What to show for each label; the labels themselves unless names were given. */
  readonly names: readonly string[];
  readonly #indices: ReadonlyMap<string, number>;

  /** `labels` in any order, repeated or not; `order: 'given'` keeps the order of a classifier trained elsewhere. */
  constructor(
    labels: Iterable<string>,
    names?: ReadonlyMap<string, string>,
    { order = 'sorted' }: { readonly order?: 'sorted' | 'given' } = {},
  ) {
    const distinct = [...new Set(labels)];
    this.labels = order === 'given' ? distinct : sortLabels(distinct);
    this.names = this.labels.map((label) => names?.get(label) ?? label);
    this.#indices = new Map(this.labels.map((label, index) => [label, index]));
  }

  get size(): number {
    return this.labels.length;
  }

  has(label: string): boolean {
    return this.#indices.has(label);
  }

  /** Class index of a label; throws DATASET_UNKNOWN_LABEL. */
  index(label: string): number {
    const index = this.#indices.get(label);
    if (index !== undefined) return index;
    const near = nearest(label, this.labels);
    throw new DatasetError({
      code: 'DATASET_UNKNOWN_LABEL',
      found: `the label '${label}' is unknown`,
      expected: `one of ${quoted(this.labels, 20)}`,
      ...(near.length > 0 && { advice: `The nearest is ${quoted(near, 1)}` }),
    });
  }

  /** Label of a class index; throws DATASET_OPTION outside 0 … size-1. */
  label(index: number): string {
    const label = this.labels[index];
    if (label !== undefined) return label;
    throw new DatasetError({
      code: 'DATASET_OPTION',
      found: `there is no class ${index}`,
      expected: `0 to ${this.size - 1}`,
    });
  }
}

function sortLabels(labels: string[]): string[] {
  const numeric = labels.every((label) => label.trim() !== '' && Number.isFinite(Number(label)));
  return labels.sort((a, b) => (numeric && Number(a) - Number(b)) || (a < b ? -1 : a > b ? 1 : 0));
}
