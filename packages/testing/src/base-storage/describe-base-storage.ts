import type { BaseStorage } from '@loran/adapter';
import { describe } from 'vitest';
import type { Tolerance } from '../expect-close.js';
import { testLaws, type Law, type SkippedLaw } from '../law-suite.js';
import { keepingLaws } from './keeping-laws.js';
import { productLaws } from './product-laws.js';
import type { BaseStorageSubject } from './subject.js';

export interface BaseStorageLawOptions {
  /**
   * How far a stored value may be from the given one, for normal values with deviation 0.5; default 0, exact. The largest
   * of some 2,000 such values is about 1.8.
   */
  readonly tolerance?: Tolerance;
  /**
   * How far a product may be from that with the dequantised weight, of standard normal inputs of up to 65 features; default 1e-5.
   * More for a storage that rounds the inputs as well, as int8 does: its README then says by how much.
   */
  readonly product?: Tolerance;
  /** Bytes that a weight without bias takes, where there is a formula. */
  readonly bytes?: (rows: number, columns: number) => number;
  readonly skip?: readonly SkippedLaw[];
}

/** Every law of base storage. */
export const baseStorageLaws: Readonly<Record<string, Law<BaseStorageSubject>>> = { ...keepingLaws, ...productLaws };

/** Declares a suite with every law of base storage, on the engine that the test file has opened. */
export function describeBaseStorage(
  storage: BaseStorage,
  { tolerance = { absolute: 0, relative: 0 }, product = { absolute: 1e-5 }, bytes, skip }: BaseStorageLawOptions = {},
): void {
  describe(`laws of the base storage '${storage.name}'`, () => {
    testLaws(baseStorageLaws, { storage, tolerance, product, bytes }, { skip });
  });
}
