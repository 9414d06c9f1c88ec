/** IA³: a learned factor for each output feature, y = l ∘ (W x + b) (arXiv 2205.05638). Changes the bias as well. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Call } from '../../contract/adapter-method.js';
import { variable } from '@loran/tensor';
import { trial } from './trial.js';

export const ia3 = trial(
  'ia3',
  { factor: 'ia3_l' },
  {
    create(frozen) {
      const factor = variable(tf.ones([frozen.rows])); // [out]
      const at = (scale: Call['scale']): Tensor1D => tf.add(1, tf.mul(scale, tf.sub(factor, 1)));
      return {
        parameters: new Map([['factor', factor]]),
        forward: (x, next, { scale }) => tf.mul(next(x), at(scale)),
        rescaling: (scale) => ({ rows: at(scale) }),
        delta: () =>
          tf.tidy(() => {
            const change = tf.sub(factor, 1);
            return {
              weight: tf.mul<Tensor2D>(frozen.weight(), tf.expandDims(change, 1)),
              ...(frozen.bias === null ? {} : { bias: tf.mul<Tensor1D>(frozen.bias, change) }),
            };
          }),
        dispose: () => factor.dispose(),
      };
    },
  },
);
