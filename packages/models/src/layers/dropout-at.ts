import type { Pass } from '@loran/adapter';
import { dropout } from '@loran/tensor';
import type { Tensor } from '@tensorflow/tfjs-core';

/** Inverted dropout of one place in a model: the mask depends on the pass's random stream and that place, nothing else. */
export function dropoutAt<T extends Tensor>(place: string, x: T, rate: number, { training, random }: Pass): T {
  return training && rate > 0 ? dropout(x, rate, random.derive(place).key) : x;
}
