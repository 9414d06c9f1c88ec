/** Low-rank update of an embedding, rows of W + s(BA)ᵀ at the ids; A [r, vocabulary], B [width, r] as PEFT keeps them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { linear, variable } from '@loran/tensor';
import { trial } from './trial.js';

export const embeddingLora = trial(
  'embedding',
  { A: 'lora_embedding_A', B: 'lora_embedding_B' },
  {
    create(frozen, { rank, alpha }, { random }) {
      const A = variable(tf.zeros([rank, frozen.rows])); // [r, vocabulary]
      const B = variable(random.normal([frozen.columns, rank], 0, 1)); // [width, r]
      return {
        parameters: new Map([['A', A], ['B', B]]),
        forward: (ids, next) =>
          tf.add(next(ids), tf.mul(alpha / rank, linear(tf.gather(tf.transpose(A), tf.cast(ids, 'int32')), B as never))),
        delta: () => tf.tidy(() => ({ weight: tf.mul<Tensor2D>(alpha / rank, tf.transpose(tf.matMul<Tensor2D>(B as never, A as never))) })),
        dispose: () => tf.dispose([A, B]),
      };
    },
  },
);
