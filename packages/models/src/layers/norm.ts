import type { Tensor } from '@tensorflow/tfjs-core';

/** A normalisation over the last axis, whichever its formula. */
export interface Norm {
  /** Features that it normalises. */
  readonly size: number;
  /** Numbers it holds. */
  readonly parameters: number;
  apply<T extends Tensor>(x: T): T;
  dispose(): void;
}
