/** DoRA: magnitude and direction apart, W' = m ∘ (W + sBA) / ‖W + sBA‖ by row (arXiv 2402.09353). Rescales the output. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { linear, variable } from '@loran/tensor';
import { trial } from './trial.js';

export const dora = trial(
  'dora',
  { A: 'lora_A.weight', B: 'lora_B.weight', magnitude: 'lora_magnitude_vector' },
  {
    create(frozen, { rank, alpha }, { random }) {
      const A = variable(random.uniform([rank, frozen.columns], -0.5, 0.5)); // [r, in]
      const B = variable(tf.zeros([frozen.rows, rank])); // [out, r]
      const norm = (weight: Tensor2D) => tf.norm(weight, 2, 1, true); // [out, 1]
      const magnitude = variable(tf.tidy(() => tf.squeeze(norm(frozen.weight()), [1]))); // [out]
      const direction = () => tf.add<Tensor2D>(frozen.weight(), tf.mul(alpha / rank, tf.matMul<Tensor2D>(B as never, A as never)));
      const ratio = () => tf.div(magnitude, tf.squeeze(norm(direction()), [1])); // [out]
      return {
        parameters: new Map([['A', A], ['B', B], ['magnitude', magnitude]]),
        forward: (x, next) => {
          const bias = frozen.bias ?? tf.scalar(0);
          const low = linear(linear(x, A as never), B as never);
          return tf.add(tf.mul(tf.add(tf.sub(next(x), bias), tf.mul(alpha / rank, low)), ratio()), bias);
        },
        delta: () => tf.tidy(() => ({ weight: tf.sub<Tensor2D>(tf.mul(direction(), tf.expandDims(ratio(), 1)), frozen.weight()) })),
        dispose: () => tf.dispose([A, B, magnitude]),
      };
    },
  },
);
