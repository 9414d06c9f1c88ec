import { randomStream, type RandomStream } from '@loran/tensor';

/** The state of one forward pass through a model. */
export interface Pass {
  /** Whether dropout is active. */
  readonly training: boolean;
  /** Random numbers of this pass; a trainer derives a new stream for every step, so that a resumed run repeats them. */
  readonly random: RandomStream;
}

/** A pass without dropout: what `slot.apply(x)` uses when it is given none. */
export const inference: Pass = Object.freeze({ training: false, random: randomStream(0) });
