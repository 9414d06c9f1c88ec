/**
 * The activations that PEFT's configurations name (`act_fn`, a key of ACT2FN in transformers), as transformers computes them. Those
 * that @loran/activations has are its own; 'linear' is the identity, 'swish' has β = 1.
 *
 * 'prelu' has the constant slope 0.25: PEFT makes it anew in every pass, so it is never trained there. 'xielu' is not here.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import {
  type Activation,
  defineActivation,
  gelu,
  identity,
  relu,
  sigmoid,
  silu,
  swish,
  tanh,
} from '@loran/activations';
import { version } from './version.js';

const define = (name: string, apply: (z: Tensor) => Tensor): readonly [string, Activation] => [
  name,
  defineActivation({ name, apply, package: '@loran/peanut', version }),
];

/** ½z·(1 + tanh(√(2/π)·(z + 0.044715z³))): GELU without erf. */
const geluByTanh = (z: Tensor): Tensor => {
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(z, tf.mul(0.044715, tf.mul(tf.square(z), z))));
  return tf.mul(tf.mul(0.5, z), tf.add(1, tf.tanh(inner)));
};

/** z above 0, slope·z below. */
const leaky = (slope: number) => (z: Tensor) => tf.sub(tf.relu(z), tf.mul(slope, tf.relu(tf.neg(z))));

const exactGelu = (z: Tensor): Tensor => gelu.apply(z, {});

/** Name in PEFT's configurations -> activation. */
export const peftActivations: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['gelu', gelu],
  ['linear', identity],
  ['relu', relu],
  ['sigmoid', sigmoid],
  ['silu', silu],
  ['swish', swish],
  ['tanh', tanh],
  define('gelu_10', (z) => tf.clipByValue(exactGelu(z), -10, 10)),
  define('gelu_accurate', geluByTanh),
  define('gelu_fast', geluByTanh),
  define('gelu_new', geluByTanh),
  define('gelu_python', exactGelu),
  define('gelu_python_tanh', geluByTanh),
  define('gelu_pytorch_tanh', geluByTanh),
  define('hardswish', (z) => tf.mul(z, tf.div(tf.clipByValue(tf.add(z, 3), 0, 6), 6))),
  define('laplace', (z) => tf.mul(0.5, tf.add(1, tf.erf(tf.div(tf.sub(z, 0.707107), 0.282095 * Math.SQRT2))))),
  define('leaky_relu', leaky(0.01)),
  define('mish', (z) => tf.mul(z, tf.tanh(tf.softplus(z)))),
  define('prelu', leaky(0.25)),
  define('quick_gelu', (z) => tf.mul(z, tf.sigmoid(tf.mul(1.702, z)))),
  define('relu2', (z) => tf.square(tf.relu(z))),
  define('relu6', (z) => tf.clipByValue(z, 0, 6)),
  define('sqrtsoftplus', (z) => tf.sqrt(tf.softplus(z))),
]);
