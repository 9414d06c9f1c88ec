import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { openEngine } from './engine/current-engine.js';
import { portableEngine } from './engine/portable-engine.js';
import { valueAndGradients } from './nested-gradients.js';
import { variable } from './variable.js';

beforeAll(() => openEngine(portableEngine('cpu')));

/** sin(v·x)·x, whose backward pass runs it again. */
const again = (x: Tensor, v: tf.Variable) =>
  tf.customGrad((x: Tensor | tf.GradSaveFunc, v: Tensor | tf.GradSaveFunc, save: Tensor | tf.GradSaveFunc) => {
    (save as tf.GradSaveFunc)([x as Tensor]);
    return {
      value: wave(x as Tensor, v as Tensor),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x] = saved as [Tensor];
        return valueAndGradients(() => wave(x, v as Tensor), [x, v as Tensor], dy).gradients;
      },
    };
  })(x, v);

const wave = (x: Tensor, v: Tensor): Tensor => tf.mul(tf.sin(tf.mul(v, x)), x);

test('inside a gradient they are those of plain autodiff, and leave the outer ones and the memory alone', async () => {
  const v = variable(tf.scalar(3));
  const x = variable(tf.tensor1d([0.5, -1, 2]));
  const before = tf.memory().numTensors;
  const gradients = async (f: (x: Tensor, v: tf.Variable) => Tensor) => {
    const { value, grads } = tf.variableGrads(() => tf.sum(tf.exp(f(f(tf.square(x), v), v))) as tf.Scalar, [x, v]);
    const numbers = [value, grads[x.name]!, grads[v.name]!].map((tensor) => tensor.dataSync());
    tf.dispose([value, grads]);
    return Promise.resolve(numbers);
  };
  expect(await gradients(again)).toEqual(await gradients(wave));
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([v, x]);
});

test('an input that the value does not depend on has the gradient zero', () => {
  const [x, other] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4, 5])];
  const { value, gradients } = valueAndGradients(() => tf.square(x), [x, other], tf.tensor1d([1, 10]));
  expect([...value.dataSync()]).toEqual([1, 4]);
  expect(gradients.map((gradient) => [...gradient.dataSync()])).toEqual([
    [2, 40],
    [0, 0, 0],
  ]);
  tf.dispose([x, other, value, gradients]);
});

test('one that fails leaves the outer gradient as it was', () => {
  const failing = tf.customGrad((x: Tensor | tf.GradSaveFunc) => ({
    value: tf.clone(x as Tensor),
    gradFunc: (dy: Tensor) => {
      const fails = () => {
        throw new Error('no value');
      };
      expect(() => valueAndGradients(fails, [dy], dy)).toThrow('no value');
      return tf.mul(dy, 7);
    },
  }));
  const gradient = tf.tidy(() => tf.grad((x: Tensor) => tf.square(failing(x)))(tf.scalar(5)));
  expect(gradient.dataSync()[0]).toBe(70);
  gradient.dispose();
});
