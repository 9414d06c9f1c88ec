import { randomStream, type RandomStream } from '@loran/tensor';
import type { Tensor1D } from '@tensorflow/tfjs-core';

/** The state of one forward pass through a model. */
export interface Pass {
  /** Whether dropout is active. */
  readonly training: boolean;
  /** Random numbers of this pass; a trainer derives a new stream for every step, so that a resumed run repeats them. */
  readonly random: RandomStream;
  /**
   * Which rows of the batch each adapter is for: its name -> 1 for those rows [batch], bool. Rows of none get the base model;
   * which adapters are active does not matter then. See AdapterSet.rows. Default: every row gets the active adapters.
   */
  readonly rows?: ReadonlyMap<string, Tensor1D>;
}

/** A pass without dropout: what `slot.apply(x)` uses when it is given none. */
export const inference: Pass = Object.freeze({ training: false, random: randomStream(0) });
