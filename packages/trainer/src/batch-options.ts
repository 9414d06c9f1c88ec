import { requireCount } from './training-option-error.js';

/** How the examples of a task come in batches. */
export interface BatchOptions {
  /** Examples in a batch; default 32 for classes, 8 for texts. */
  readonly batchSize?: number;
  /** Seed of the order of the examples; default 0. */
  readonly seed?: number;
  /** Padded lengths are multiples of this many tokens; default 32. Smaller: less padding, more shapes to compile. */
  readonly bucketWidth?: number;
}

/** The options with their defaults. Throws TRAINING_OPTION. */
export function batchOptions(
  { batchSize, seed = 0, bucketWidth = 32 }: BatchOptions,
  usualSize: number,
): Required<BatchOptions> {
  const options = { batchSize: batchSize ?? usualSize, seed, bucketWidth };
  requireCount('batchSize', options.batchSize);
  requireCount('bucketWidth', bucketWidth);
  return options;
}
