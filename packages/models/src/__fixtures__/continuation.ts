/** The most likely tokens that follow a text, one by one with a cache: what tests compare with another program's choice. */
import * as tf from '@tensorflow/tfjs-core';
import type { LanguageModel } from '../language-model.js';

export async function continuation(model: LanguageModel, prompt: readonly number[], count: number): Promise<number[]> {
  const cache = model.newCache(1, prompt.length + count);
  const found: number[] = [];
  for (let next = [...prompt]; found.length < count;) {
    const ids = tf.tensor2d([next], undefined, 'int32');
    const best = tf.tidy(() => {
      const last = tf.slice(model.hidden({ ids }, undefined, cache), [next.length - 1, 0], [1, -1]) as tf.Tensor2D;
      return tf.argMax(model.scores(last), 1);
    });
    next = [...(await best.data())];
    found.push(...next);
    tf.dispose([best, ids]);
  }
  cache.dispose();
  return found;
}
