/** What the laws of base storage are stated about. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { BaseStorage, FrozenWeight } from '@loran/adapter';
import { randomStream } from '@loran/tensor';
import type { Tolerance } from '../expect-close.js';
import { weightSource, type WeightSourceOptions } from '../tiny-model.js';

export interface BaseStorageSubject {
  readonly storage: BaseStorage;
  /** Of the stored values against those given. */
  readonly tolerance: Tolerance;
  /** Of products against those with the dequantised weight. */
  readonly product: Tolerance;
  readonly bytes: ((rows: number, columns: number) => number) | undefined;
}

/** Odd sizes, one row, one column, and more than one block of any quantiser. */
export const shapes = [
  { rows: 7, columns: 5 },
  { rows: 33, columns: 65 },
  { rows: 1, columns: 64 },
  { rows: 64, columns: 1 },
] as const;

/** Runs `body` with a stored weight, and frees it. */
export async function withWeight<T>(
  storage: BaseStorage,
  options: WeightSourceOptions,
  body: (frozen: FrozenWeight) => Promise<T> | T,
): Promise<T> {
  const frozen = await storage.store(await weightSource(options));
  try {
    return await body(frozen);
  } finally {
    frozen.dispose();
  }
}

/** Standard normal values, fixed by the shape. */
export const input = (shape: number[]): Tensor => randomStream(8).derive(String(shape)).normal(shape, 0, 1);
