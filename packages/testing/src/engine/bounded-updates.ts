import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { frozenTensor, recomputed } from '@loran/adapter';
import { randomStream, variable, type Engine } from '@loran/tensor';
import { expect } from 'vitest';

const layers = 64;
const width = 1024;
const updateBytes = layers * width * width * 4; // 268 MB

/**
 * 64 layers over one weight, each with an update sin(B·A) of its own, and the gradients of all A and B in one go: neither the
 * updates nor what they are made by, 4 MB each, may exist at once, although both passes need them.
 */
export async function boundedUpdates({ engine }: { readonly engine: Engine }): Promise<void> {
  const random = randomStream(8);
  const frozen = frozenTensor(tf.fill([width, width], 1 / width));
  const pairs = Array.from({ length: layers }, (_, layer) => {
    const factor = (label: string, shape: number[]) =>
      variable(random.derive(layer).derive(label).normal(shape, 0, 0.1));
    return [factor('A', [2, width]), factor('B', [width, 2])] as const;
  });
  const x = tf.ones([2, width]);
  // in a tidy, as a slot has it: an engine that runs ops at once would otherwise keep each update until the gradients are there
  const adapted = (h: Tensor, [A, B]: (typeof pairs)[number]): Tensor => {
    const form = (A: Tensor) => tf.tidy(() => tf.sin(tf.matMul<Tensor2D>(B as Tensor as Tensor2D, A as Tensor2D)));
    return tf.tidy(() => frozen.apply(h, recomputed<Tensor2D>({ inputs: [A, B], form }, h)));
  };
  const loss = (): Scalar => tf.mean(pairs.reduce<Tensor>((h, pair) => tf.tanh(adapted(h, pair)), x));

  const first = tf.tidy(() => adapted(x, pairs[0]!));
  await first.data(); // what reading the variables needs is there before the measurement
  const before = engine.memory();
  const { value, grads } = tf.variableGrads(loss, pairs.flat());
  const values = await Promise.all(Object.values(grads).map((gradient) => gradient.data<'float32'>()));
  const { peakResidentBytes } = engine.memory();
  expect(values.every((gradient) => gradient.every(Number.isFinite))).toBe(true);
  expect(peakResidentBytes - Math.max(before.peakResidentBytes, before.residentBytes)).toBeLessThan(updateBytes / 2);
  tf.dispose([first, x, value, grads, pairs as unknown as Tensor[][]]);
  frozen.dispose();
}
