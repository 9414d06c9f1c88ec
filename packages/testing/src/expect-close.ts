/** Comparison of numbers that come from floating-point arithmetic. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';

export interface Tolerance {
  /** Largest |actual − expected| allowed; default 1e-6. */
  readonly absolute?: number;
  /** Allowed besides, as a share of |expected|; default 1e-5. */
  readonly relative?: number;
}

/** A tensor, or numbers in row-major order. */
export type Numbers = Tensor | ArrayLike<number>;

/**
 * Passes when every |actual − expected| ≤ absolute + relative·|expected| and nothing is NaN that should not be.
 * Throws NOT_CLOSE, which names the worst element. Two tensors must have the same shape as well.
 */
export async function expectClose(actual: Numbers, expected: Numbers, tolerance: Tolerance = {}): Promise<void> {
  const { absolute = 1e-6, relative = 1e-5 } = tolerance;
  const [a, b] = [await valuesOf(actual), await valuesOf(expected)];
  const shapes = [shapeOf(actual), shapeOf(expected)];
  const sameShape = shapes.includes(undefined) || String(shapes[0]) === String(shapes[1]);
  if (a.length !== b.length || !sameShape) {
    const describe = (shape: readonly number[] | undefined, size: number) =>
      shape === undefined ? `${size} numbers` : `shape [${shape.join(', ')}]`;
    throw new LoranError(
      'NOT_CLOSE',
      `Expected ${describe(shapes[1], b.length)}, found ${describe(shapes[0], a.length)}.`,
    );
  }
  const excess = (i: number) => {
    const [x, y] = [a[i]!, b[i]!];
    if (Object.is(x, y) || x === y) return -Infinity;
    const over = Math.abs(x - y) - (absolute + relative * Math.abs(y));
    return Number.isNaN(over) ? Infinity : over;
  };
  let worst = 0;
  let failing = 0;
  for (let i = 0; i < a.length; i++) {
    if (excess(i) > 0) failing++;
    if (excess(i) > excess(worst)) worst = i;
  }
  if (failing === 0) return;
  throw new LoranError(
    'NOT_CLOSE',
    `${failing} of ${a.length} elements differ by more than ${absolute} + ${relative}·|expected|; ` +
      `the worst is element ${worst}: ${a[worst]!}, expected ${b[worst]!}, ${Math.abs(a[worst]! - b[worst]!).toExponential(2)} apart.`,
  );
}

/** The values of a tensor, read asynchronously, or the numbers themselves. */
export async function valuesOf(numbers: Numbers): Promise<ArrayLike<number>> {
  return isTensor(numbers) ? numbers.data() : numbers;
}

const shapeOf = (numbers: Numbers): readonly number[] | undefined => (isTensor(numbers) ? numbers.shape : undefined);

function isTensor(numbers: Numbers): numbers is Tensor {
  return 'dataId' in numbers;
}
