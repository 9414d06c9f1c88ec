/** Trainable tokens: a change of a few rows of an embedding, all others frozen. Its merge names rows, not a whole matrix. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { variable } from '@loran/tensor';
import { trial } from './trial.js';

export const tokens = [1, 4];

export const trainableTokens = trial(
  'tokens',
  { change: 'token_adapter.trainable_tokens_delta' },
  {
    create(frozen) {
      const change = variable(tf.zeros([tokens.length, frozen.columns])); // [tokens, width]
      const places = Array.from({ length: frozen.rows }, (_, id) => (tokens.includes(id) ? tokens.indexOf(id) : tokens.length));
      const place = tf.tensor1d(places, 'int32'); // [vocabulary]: row of `change`, or the row of zeros behind it
      return {
        parameters: new Map([['change', change]]),
        forward: (ids, next) => {
          const rows = tf.concat([change, tf.zeros([1, frozen.columns])]);
          return tf.add(next(ids), tf.gather(rows, tf.gather(place, tf.cast(ids, 'int32'))));
        },
        delta: () => ({ rows: { indices: tokens, values: tf.clone(change) as Tensor2D } }),
        dispose: () => tf.dispose([change, place]),
      };
    },
  },
);
