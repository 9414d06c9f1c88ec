/** A seeded division of examples into a training and a test part. */
import { DatasetError } from './dataset-error.js';
import { permutation } from './permutation.js';

export interface SplitOptions<Example> {
  /** Share of the test part, between 0 and 1, or a whole number of examples. */
  readonly test: number;
  /** Any safe integer. */
  readonly seed: number;
  /** The class of an example: both parts then hold the classes in the same proportions, to within one example a class. */
  readonly stratify?: (example: Example) => string;
}

/** Both parts are non-empty, disjoint and in the order of `examples`. Throws DATASET_OPTION if that cannot be. */
export function split<Example>(
  examples: readonly Example[],
  { test, seed, stratify }: SplitOptions<Example>,
): { train: Example[]; test: Example[] } {
  const count = Number.isInteger(test) ? test : Math.round(test * examples.length);
  if (!(count >= 1 && count < examples.length)) {
    throw new DatasetError({
      code: 'DATASET_OPTION',
      found: `test: ${test} of ${examples.length} examples leaves a part empty`,
      expected: 'a share between 0 and 1, or a count, such that both parts get an example',
    });
  }
  const order = [...permutation(examples.length, { seed })];
  const chosen = new Set(
    stratify === undefined ? order.slice(0, count) : stratified(order, count, (index) => stratify(examples[index]!)),
  );
  return {
    train: examples.filter((_, index) => !chosen.has(index)),
    test: examples.filter((_, index) => chosen.has(index)),
  };
}

/** `count` of the indices, each class by its share: whole parts first, then the largest remainders. */
function stratified(order: readonly number[], count: number, classOf: (index: number) => string): number[] {
  const classes = new Map<string, number[]>();
  for (const index of order) {
    const label = classOf(index);
    const members = classes.get(label);
    if (members === undefined) classes.set(label, [index]);
    else members.push(index);
  }
  const shares = [...classes].map(([label, members]) => {
    const exact = (count * members.length) / order.length;
    return { label, members, whole: Math.floor(exact), remainder: exact - Math.floor(exact) };
  });
  let left = count - shares.reduce((sum, { whole }) => sum + whole, 0);
  shares.sort((a, b) => b.remainder - a.remainder || (a.label < b.label ? -1 : 1));
  return shares.flatMap(({ members, whole }) => members.slice(0, whole + (left-- > 0 ? 1 : 0)));
}
