/** Two layers with a gather in front and a cross-entropy behind: the ops of a small classifier. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { randomStream, variable } from '@loran/tensor';

export function network() {
  const random = randomStream(6);
  const make = (name: string, shape: number[]) => variable(random.derive(name).normal(shape, 0, 0.5));
  const [table, first, bias, second] = [
    make('table', [5, 4]),
    make('first', [4, 6]),
    make('bias', [6]),
    make('second', [6, 3]),
  ];
  const ids = tf.tensor1d([0, 3, 3, 1, 4, 2], 'int32');
  const labels = tf.tidy(() => tf.oneHot(tf.tensor1d([0, 2, 2, 1, 0, 1], 'int32'), 3));
  const loss = () =>
    tf.tidy(() => {
      const x = tf.gather(table, ids) as Tensor2D; // [6, 4]
      const hidden = tf.tanh(tf.add(tf.matMul(x, first as Tensor as Tensor2D), bias as Tensor as Tensor1D)); // [6, 6]
      const logits = tf.matMul(hidden as Tensor2D, second as Tensor as Tensor2D); // [6, 3]
      return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), labels), -1))) as Scalar;
    });
  const parameters = [table, first, bias, second];
  return { parameters, loss, dispose: () => tf.dispose([...parameters, ids, labels]) };
}
