/**
 * Batches of examples of similar length, for dynamic padding.
 *
 * Lengths are rounded up to a multiple of `bucketWidth`; examples are sorted by that, at random within a bucket, cut into
 * batches, and the batches come in random order. So little is padded, and few shapes arise: at most one for each bucket, plus
 * the last, smaller batch. That matters where each new shape compiles a session (the ONNX Runtime engine), with memory of its own.
 */
import { DatasetError } from './dataset-error.js';
import { permutation, randomIntegers } from './permutation.js';

export interface BucketOptions {
  /** Examples in a batch; the batch of the longest examples may have fewer. */
  readonly batchSize: number;
  /** Any safe integer. The order of an epoch follows from (seed, epoch) alone. */
  readonly seed: number;
  /** Counted from 0; default 0. */
  readonly epoch?: number;
  /** Padded lengths are multiples of this many tokens; default 32. Smaller: less padding, more shapes. */
  readonly bucketWidth?: number;
  /** Upper bound of padded lengths, such as the model's positions; no example may be longer. Default: none. */
  readonly maxLength?: number;
}

export interface LengthBatch {
  /** Positions in `lengths`. */
  readonly indices: readonly number[];
  /** Tokens each example is padded to. */
  readonly length: number;
}

/** Every example once, in batches; `lengths` in tokens. */
export function bucketBatches(lengths: ArrayLike<number>, options: BucketOptions): LengthBatch[] {
  const { batchSize, seed, epoch = 0, bucketWidth = 32, maxLength = Number.MAX_SAFE_INTEGER } = options;
  checkPositive('batchSize', batchSize);
  checkPositive('bucketWidth', bucketWidth);
  checkPositive('maxLength', maxLength);
  const padded = Array.from(lengths, (length, index) => {
    if (!Number.isSafeInteger(length) || length < 0 || length > maxLength) throw badLength(length, index, maxLength);
    return Math.min(maxLength, Math.max(1, Math.ceil(length / bucketWidth)) * bucketWidth);
  });

  const order = [...permutation(padded.length, { seed, epoch })].sort((a, b) => padded[a]! - padded[b]!); // stable: random within a bucket
  const batches: LengthBatch[] = [];
  for (let start = 0; start < order.length; start += batchSize) {
    const indices = order.slice(start, start + batchSize);
    batches.push({ indices, length: padded[indices.at(-1)!]! });
  }

  const below = randomIntegers({ seed, epoch }, 1); // a stream of its own, apart from the order of the examples
  for (let last = batches.length - 1; last > 0; last--) {
    const other = below(last + 1);
    [batches[last], batches[other]] = [batches[other]!, batches[last]!];
  }
  return batches;
}

function checkPositive(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new DatasetError({ code: 'DATASET_OPTION', found: `${name} is ${value}`, expected: 'a whole number above 0' });
}

function badLength(length: number, index: number, maxLength: number): DatasetError {
  return new DatasetError({
    code: 'DATASET_OPTION',
    found: `example ${index} has ${length} tokens`,
    expected: maxLength === Number.MAX_SAFE_INTEGER ? 'a whole number of tokens' : `at most maxLength (${maxLength})`,
    advice: 'Truncate the token ids first',
  });
}
