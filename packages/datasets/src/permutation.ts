/**
 * Seeded permutations: the order of an epoch follows from (seed, epoch) alone, so a run that resumes in epoch 7 needs nothing
 * from epochs 0 to 6, and the same seed gives the same order on every machine.
 *
 * Generator: sfc32, the "small fast counter" generator of Chris Doty-Humphrey's PractRand, 128 bits of state, seeded with both
 * halves of the seed and with the epoch, and stepped 16 times before use. Shuffle: Fisher-Yates, with unbiased draws by rejection.
 */
import { DatasetError } from './dataset-error.js';

export interface ShuffleKey {
  /** Any safe integer. */
  readonly seed: number;
  /** Counted from 0; default 0. */
  readonly epoch?: number;
}

/** The numbers 0 … count-1 in an order that depends on `count`, `seed` and `epoch` only. */
export function permutation(count: number, key: ShuffleKey): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  const below = randomIntegers(key);
  for (let last = count - 1; last > 0; last--) {
    const other = below(last + 1);
    const held = order[last]!;
    order[last] = order[other]!;
    order[other] = held;
  }
  return order;
}

/** A function that draws integers in [0, bound), uniformly; `stream` keeps uses of one key apart. */
export function randomIntegers({ seed, epoch = 0 }: ShuffleKey, stream = 0): (bound: number) => number {
  checkInteger('seed', seed);
  checkInteger('epoch', epoch);
  const next = sfc32(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, (epoch ^ Math.imul(stream, 0x9e3779b9)) >>> 0);
  return (bound) => {
    const unbiased = 2 ** 32 - (2 ** 32 % bound); // above it some remainders would come once more than others
    let draw = next();
    while (draw >= unbiased) draw = next();
    return draw % bound;
  };
}

function sfc32(a: number, b: number, c: number): () => number {
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let step = 0; step < 16; step++) next();
  return next;
}

function checkInteger(name: string, value: number): void {
  if (Number.isSafeInteger(value)) return;
  throw new DatasetError({
    code: 'DATASET_OPTION',
    found: `${name} is ${value}`,
    expected: 'a whole number within ±2^53',
  });
}
