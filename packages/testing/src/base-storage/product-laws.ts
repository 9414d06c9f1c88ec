/** Laws about multiplying: whatever the storage, apply is the product with its own dequantised weight. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { linear } from '@loran/tensor';
import { expect } from 'vitest';
import { expectClose } from '../expect-close.js';
import type { Law } from '../law-suite.js';
import { input, shapes, withWeight, type BaseStorageSubject } from './subject.js';

export const productLaws: Readonly<Record<string, Law<BaseStorageSubject>>> = {
  'multiplies by its own weight, for any leading axes': async ({ storage, product }) => {
    for (const shape of shapes) {
      for (const biased of [true, false]) {
        await withWeight(storage, { ...shape, biased }, async (frozen) => {
          for (const leading of [[], [3], [2, 3], [2, 1, 3]]) {
            const x = input([...leading, shape.columns]);
            const [y, expected] = tf.tidy(() => [frozen.apply(x), linear(x, frozen.weight(), frozen.bias)]) as [
              Tensor,
              Tensor,
            ];
            await expectClose(y, expected, product);
            tf.dispose([x, y, expected]);
          }
        });
      }
    }
  },

  'multiplies by the sum with a delta': ({ storage, product }) =>
    withWeight(storage, { rows: 33, columns: 65 }, async (frozen) => {
      const [x, delta] = [input([2, 3, 65]), input([33, 65]) as Tensor2D];
      const [y, expected] = tf.tidy(() => [
        frozen.apply(x, delta),
        linear(x, tf.add(frozen.weight(), delta), frozen.bias),
      ]) as [Tensor, Tensor];
      await expectClose(y, expected, product);
      tf.dispose([x, delta, y, expected]);
    }),

  'has the gradients of that product, in x and in the delta': ({ storage, product }) =>
    withWeight(storage, { rows: 33, columns: 65 }, async (frozen) => {
      const [x, delta, dy] = [input([2, 3, 65]), input([33, 65]) as Tensor2D, input([2, 3, 33])];
      const plain = (a: Tensor, d: Tensor) => linear(a, tf.add(frozen.weight(), d as Tensor2D), frozen.bias);
      const own = tf.grads((a: Tensor, d: Tensor) => frozen.apply(a, d as Tensor2D))([x, delta], dy);
      const expected = tf.grads(plain)([x, delta], dy);
      for (const [i, gradient] of own.entries()) await expectClose(gradient, expected[i]!, product);
      const alone = tf.grad((a: Tensor) => frozen.apply(a))(x, dy);
      const aloneExpected = tf.grad((a: Tensor) => linear(a, frozen.weight(), frozen.bias))(x, dy);
      await expectClose(alone, aloneExpected, product);
      tf.dispose([x, delta, dy, own, expected, alone, aloneExpected]);
    }),

  'as an embedding, looks up its rows, with a delta or without': ({ storage }) =>
    withWeight(storage, { kind: 'embedding', rows: 33, columns: 65, biased: false }, async (frozen) => {
      const delta = input([33, 65]) as Tensor2D;
      const ids = tf.tensor2d([32, 0, 7, 7, 1, 31], [2, 3], 'int32');
      const rows = (weight: Tensor2D) => tf.gather(weight, ids);
      const [plain, own, sum, ownSum] = tf.tidy(() => [
        rows(frozen.weight()),
        frozen.apply(ids),
        rows(tf.add(frozen.weight(), delta)),
        frozen.apply(ids, delta),
      ]) as [Tensor, Tensor, Tensor, Tensor];
      expect(own.shape).toEqual([2, 3, 65]);
      await expectClose(own, plain, { absolute: 0, relative: 0 });
      await expectClose(ownSum, sum, { absolute: 1e-6 });
      const dy = input([2, 3, 65]);
      const gradient = tf.grad((d: Tensor) => frozen.apply(ids, d as Tensor2D))(delta, dy);
      const expected = tf.grad((d: Tensor) => tf.gather(d, ids))(delta, dy);
      await expectClose(gradient, expected, { absolute: 1e-6 });
      tf.dispose([delta, ids, plain, own, sum, ownSum, dy, gradient, expected]);
    }),
};
