/** VeRA: two random matrices shared by all layers, and a learned vector on either side, y += b ∘ B (d ∘ A x) (arXiv 2310.11454). */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { linear, variable } from '@loran/tensor';
import { trial } from './trial.js';

export const vera = trial(
  'vera',
  { d: 'vera_lambda_d', b: 'vera_lambda_b' },
  {
    prepare(layers, { rank }, { random, shared }) {
      if (shared.size > 0) return Promise.resolve(); // those of a file
      const widest = (side: 'rows' | 'columns') => Math.max(...layers.map(({ frozen }) => frozen[side]));
      shared.set('A', random.derive('A').normal([rank, widest('columns')], 0, 0.5)); // [r, in]
      shared.set('B', random.derive('B').normal([widest('rows'), rank], 0, 0.5)); // [out, r]
      return Promise.resolve();
    },
    create(frozen, { rank }, { shared }) {
      const d = variable(tf.fill([rank], 0.1));
      const b = variable(tf.zeros([frozen.rows]));
      const A = () => tf.slice(shared.get('A') as Tensor2D, [0, 0], [rank, frozen.columns]);
      const B = () => tf.slice(shared.get('B') as Tensor2D, [0, 0], [frozen.rows, rank]);
      return {
        parameters: new Map([['d', d], ['b', b]]),
        forward: (x, next) => tf.add(next(x), tf.mul(linear(tf.mul(linear(x, A()), d), B()), b)),
        delta: () =>
          tf.tidy(() => ({ weight: tf.mul<Tensor2D>(tf.expandDims(b, 1), tf.matMul(B(), tf.mul<Tensor2D>(tf.expandDims(d, 1), A()))) })),
        dispose: () => tf.dispose([d, b]),
      };
    },
  },
  { A: 'base_model.vera_A', B: 'base_model.vera_B' },
);
