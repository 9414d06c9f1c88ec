/**
 * A chain of 48 products with 4-bit weights that are dequantised in the graph, each tied to its input by `after` or not.
 * Prints how far the resident set rose above where it stood before the chain ran, in MiB. One weight in fp32 takes 4 MiB.
 */
import * as tf from '@tensorflow/tfjs-core';
import { after, openEngine, opaque } from '@loran/tensor';
import { createOnnxruntimeEngine } from '../engine.js';

const tied = process.argv[2] === 'tied';
const layers = 48;
const width = 1024;
const block = 64;

const engine = await openEngine(createOnnxruntimeEngine(), { device: 'cpu', threads: 2 });
const pairs = tf.tensor2d(
  Float32Array.from({ length: 512 }, (_, i) => (((i & 1) === 0 ? i >> 5 : (i >> 1) & 15) - 7.5) / 8),
  [256, 2],
); // both values of each byte
const pattern = Uint8Array.from({ length: (width * width) / 2 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 13);
const weights = Array.from({ length: layers }, () => {
  const bytes = pattern.slice();
  return { codes: opaque(bytes, 'uint8', [bytes.length]), scales: tf.fill([bytes.length / 32, 1], 0.05) };
});
const x = tf.ones<tf.Rank.R2>([8, width]);
tf.tidy(() => tf.matMul(x, tf.zeros<tf.Rank.R2>([width, width])).dataSync());

const before = process.memoryUsage.rss();
const y = tf.tidy(() => {
  let state: tf.Tensor2D = x;
  for (const { codes, scales } of weights) {
    const scale = tied ? after(scales, state) : scales;
    const values = tf.reshape(tf.gather(pairs, tied ? after(codes, state) : codes), [-1, block]);
    const weight: tf.Tensor2D = tf.reshape(tf.mul(values, scale), [width, width]);
    state = tf.tanh(tf.matMul(state, weight, false, true)) as tf.Tensor2D;
  }
  return state;
});
await y.data();
console.log(Math.round((engine.memory().peakResidentBytes - before) / 2 ** 20));
await engine.close();
