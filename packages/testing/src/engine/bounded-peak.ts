import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { recomputedProduct } from '@loran/adapter';
import { after, opaque, type Engine } from '@loran/tensor';
import { expect } from 'vitest';

const layers = 48;
const width = 1024;
const decodedBytes = layers * width * width * 4; // 201 MB

/**
 * 48 products with weights kept as 8-bit codes, forwards and backwards in one go: the decoded weights, 4 MB each, must not
 * all exist at once. Tied to the activation that needs it, one or two do.
 */
export async function boundedPeak({ engine }: { readonly engine: Engine }): Promise<void> {
  const weights = Array.from({ length: layers }, (_, layer) => {
    const codes = Uint8Array.from({ length: width * width }, (_, i) => (i * 7 + layer * 13) % 251);
    return opaque(codes, 'int8', [width, width]) as Tensor2D;
  });
  const decode = (weight: Tensor2D) => (dependency: Tensor) =>
    tf.tidy(() => tf.mul<Tensor2D>(tf.cast(after(weight, dependency), 'float32'), 1 / (128 * Math.sqrt(width))));
  const x = tf.ones([2, width]);
  const loss = (input: Tensor): Scalar =>
    tf.mean(weights.reduce<Tensor>((h, weight) => recomputedProduct(h, decode(weight)), input));

  await tf.tidy(() => tf.sum(weights[0]!)).data(); // what reading codes needs is there before the measurement
  const before = engine.memory();
  const gradient = tf.grad((input: Tensor) => loss(input))(x);
  const values = await gradient.data<'float32'>();
  const { peakResidentBytes } = engine.memory();
  expect(values.every(Number.isFinite)).toBe(true);
  expect(peakResidentBytes - Math.max(before.peakResidentBytes, before.residentBytes)).toBeLessThan(decodedBytes / 2);
  tf.dispose([...weights, x, gradient]);
}
