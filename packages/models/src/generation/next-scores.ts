/**
 * The scores of the next token, step after step. A step of one token is the same operations each time, so the first is recorded
 * and the others repeat it, until the cache grows: building them takes as long as computing them where a model is small.
 */
import type { Pass } from '@loran/adapter';
import { record, type Recording } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { KeyValueCache } from '../decoder/key-value-cache.js';
import type { LanguageModel } from '../language-model.js';
import type { TokenBatch } from '../sequence-classifier.js';

export class NextScores {
  readonly #model: Pick<LanguageModel, 'hidden' | 'scores'>;
  readonly #pass: Pass;
  readonly #cache: KeyValueCache;
  #recorded: { readonly recording: Recording; readonly capacity: number } | undefined;

  constructor(model: Pick<LanguageModel, 'hidden' | 'scores'>, pass: Pass, cache: KeyValueCache) {
    this.#model = model;
    this.#pass = pass;
    this.#cache = cache;
  }

  /** Scores after the last column of the batch, row after row. */
  async next(batch: TokenBatch): Promise<Float32Array> {
    const scores = this.#repeated(batch) ?? this.#computed(batch);
    const values = Float32Array.from(await scores.data<'float32'>());
    scores.dispose();
    return values;
  }

  dispose(): void {
    this.#recorded?.recording.dispose();
    this.#recorded = undefined;
  }

  #repeated({ ids }: TokenBatch): Tensor | undefined {
    const cache = this.#cache;
    if (this.#recorded?.capacity !== cache.capacity) return undefined;
    const [scores, ...state] = this.#recorded.recording.repeat([ids, ...cache.tensors()]);
    cache.adopt(state, 1);
    return scores;
  }

  #computed(batch: TokenBatch): Tensor {
    const cache = this.#cache;
    this.dispose();
    const isStep = batch.ids.shape[1] === 1 && batch.mask === undefined && cache.length > 0;
    if (!isStep) return this.#scores(batch);
    const { outputs, recording } = record([batch.ids, ...cache.tensors()], () => [
      this.#scores(batch),
      ...cache.tensors(),
    ]);
    if (recording !== undefined && cache.isRepeatable) this.#recorded = { recording, capacity: cache.capacity };
    else recording?.dispose();
    return outputs[0]!;
  }

  #scores(batch: TokenBatch): Tensor {
    return tf.tidy(() => {
      const [count, time] = batch.ids.shape;
      const hidden = this.#model.hidden(batch, this.#pass, this.#cache); // [count·time, width]
      const last =
        time === 1
          ? hidden
          : tf.reshape(tf.slice(tf.reshape(hidden, [count, time, -1]), [0, time - 1, 0], [count, 1, -1]), [count, -1]);
      return this.#model.scores(last as Tensor2D, this.#pass);
    });
  }
}
