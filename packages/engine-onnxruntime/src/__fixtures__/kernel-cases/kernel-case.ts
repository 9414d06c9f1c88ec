/**
 * Cases of one kernel for the table test: the same inputs and attributes go to tfjs's cpu backend and to the engine.
 */
import * as tf from '@tensorflow/tfjs-core';

export type Dtype = 'float32' | 'int32' | 'bool';

export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: Dtype | 'complex64' | 'string';
  /** For complex64 real and imaginary parts in turn. */
  readonly values: readonly number[] | readonly string[];
}

export interface KernelCase {
  readonly inputs: Readonly<Record<string, TensorSpec>> | readonly TensorSpec[];
  readonly attributes?: Readonly<Record<string, unknown>>;
  /** Relative to the largest expected value; default 1e-5. */
  readonly tolerance?: number;
}

/** By kernel name, then by what is special about the case. */
export type KernelCases = Readonly<Record<string, Readonly<Record<string, KernelCase>>>>;

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Numbers spread over [low, high) in an order without pattern, the same ones every time. */
export function numbers(shape: readonly number[], low: number, high: number, seed = 1): number[] {
  return Array.from({ length: size(shape) }, (_, i) => low + (((i + seed) * 0.61803398875) % 1) * (high - low));
}

export function float(shape: readonly number[], low = -3, high = 3, seed = 1): TensorSpec {
  return { shape, dtype: 'float32', values: numbers(shape, low, high, seed) };
}

export function int(shape: readonly number[], low = -9, high = 9, seed = 1): TensorSpec {
  return { shape, dtype: 'int32', values: numbers(shape, low, high, seed).map(Math.floor) };
}

export function bool(shape: readonly number[], seed = 1): TensorSpec {
  return { shape, dtype: 'bool', values: numbers(shape, 0, 2, seed).map(Math.floor) };
}

/** Any of the three, for tables over dtypes. */
export function any(dtype: Dtype, shape: readonly number[], seed = 1): TensorSpec {
  return { float32: float, int32: int, bool }[dtype](
    shape,
    ...((dtype === 'bool' ? [seed] : [-9, 9, seed]) as [number]),
  );
}

export function values(dtype: TensorSpec['dtype'], ...list: number[]): TensorSpec {
  return { shape: [list.length], dtype, values: list };
}

export function strings(shape: readonly number[], ...list: string[]): TensorSpec {
  return { shape, dtype: 'string', values: list };
}

/** Floats at which functions change their ways. */
export const special = [
  NaN,
  Infinity,
  -Infinity,
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  -1.5,
  2.5,
  7,
  -7,
  1e-3,
  20,
  -20,
  100,
  -100,
];

export const dtypes: readonly Dtype[] = ['float32', 'int32', 'bool'];

/** One case a dtype. */
export function eachDtype(build: (dtype: Dtype) => KernelCase): Record<string, KernelCase> {
  return Object.fromEntries(dtypes.map((dtype) => [dtype, build(dtype)]));
}

/** The tensor on the current backend. */
export function tensor({ shape, dtype, values: content }: TensorSpec): tf.Tensor {
  const dims = [...shape];
  if (dtype !== 'complex64') return tf.tensor([...content] as number[], dims, dtype);
  const parts = [0, 1].map((part) => (content as readonly number[]).filter((_, i) => i % 2 === part));
  const [real, imaginary] = parts.map((part) => tf.tensor(part, dims, 'float32')) as [tf.Tensor, tf.Tensor];
  return tf.complex(real, imaginary);
}
