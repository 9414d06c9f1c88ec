/**
 * The bootstrap (Efron 1979): draw as many examples as there are, with replacement, again and again; the spread of the metric
 * over the draws estimates its uncertainty. Intervals are percentile intervals.
 *
 * Examples with the same prediction and reference are one cell with a count, so a metric is computed from at most classes² cells,
 * however many examples there are. Generator: xoroshiro128+ of pure-rand.
 */
import { LoranError } from '@loran/plugin';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

export interface BootstrapOptions {
  /** A 32-bit whole number; default 0. The same seed gives the same interval. */
  readonly seed?: number;
  /** Between 0 and 1; default 0.95. */
  readonly confidence?: number;
  /** Number of draws; default 1000. */
  readonly resamples?: number;
}

/** A value with its confidence interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Examples grouped: `cell[i]` is the cell of example i, `counts[c]` the number of examples in cell c. */
export interface Cells {
  readonly cell: Int32Array; // [examples]
  readonly counts: Int32Array; // [cells]
  /** An example of each cell. */
  readonly first: Int32Array; // [cells]
}

/** Groups the examples 0 … size-1 whose columns all agree (as keys of a Map do). */
export function groupExamples(size: number, columns: readonly (readonly unknown[])[]): Cells {
  const cell = new Int32Array(size);
  let first: number[] = [];
  for (const column of columns) {
    const values = new Map<unknown, number>();
    const cells = new Map<number, number>();
    first = [];
    for (let example = 0; example < size; example++) {
      const value = numbered(values, column[example]);
      cell[example] = numbered(cells, cell[example]! * size + value); // each column splits the cells of those before
      if (cell[example] === first.length) first.push(example);
    }
  }
  const counts = new Int32Array(first.length);
  for (const index of cell) counts[index]! += 1;
  return { cell, counts, first: Int32Array.from(first) };
}

/** The number of `key`: keys are numbered from 0 as they first come. */
function numbered<Key>(numbers: Map<Key, number>, key: Key): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, numbers.size);
  return numbers.size - 1;
}

/**
 * Estimates several statistics at once, from the same draws. `statistics(counts)` gets the count of each cell.
 * Returns one estimate a statistic: its value on `cells.counts`, and its percentile interval.
 */
export function bootstrap(
  cells: Cells,
  statistics: readonly ((counts: Int32Array) => number)[],
  options: BootstrapOptions = {},
): Estimate[] {
  const { seed = 0, confidence = 0.95, resamples = 1000 } = options;
  check('seed', seed, Number.isInteger(seed) && Math.abs(seed) < 2 ** 32, 'a whole number of 32 bits');
  check('confidence', confidence, confidence > 0 && confidence < 1, 'a number between 0 and 1, such as 0.95');
  check('resamples', resamples, Number.isSafeInteger(resamples) && resamples > 0, 'a whole number above 0');

  const drawn = statistics.map(() => new Float64Array(resamples));
  const generator = xoroshiro128plus(seed);
  const counts = new Int32Array(cells.counts.length);
  const last = cells.cell.length - 1;
  for (let resample = 0; resample < resamples; resample++) {
    counts.fill(0);
    for (let draw = 0; draw <= last; draw++) counts[cells.cell[uniformInt(generator, 0, last)]!]! += 1;
    statistics.forEach((statistic, index) => (drawn[index]![resample] = statistic(counts)));
  }

  return statistics.map((statistic, index) => {
    const sorted = drawn[index]!.sort();
    const tail = (1 - confidence) / 2;
    return { value: statistic(cells.counts), low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
  });
}

/** With linear interpolation, as numpy.quantile. */
function quantile(sorted: Float64Array, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}

function check(name: string, value: number, valid: boolean, expected: string): void {
  if (!valid) throw new LoranError('EVALUATION_OPTION', `${name} is ${value}. Expected ${expected}.`);
}
