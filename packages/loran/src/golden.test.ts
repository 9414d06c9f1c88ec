/** LoRAN against the authors' formula, computed in float64 by torch: the update, the output and the gradients. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar } from '@tensorflow/tfjs-core';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { AdapterSet, frozenTensor, Slot } from '@loran/adapter';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, test } from 'vitest';
import { loran } from './loran.js';

interface Case {
  readonly activation: string;
  readonly rank: number;
  readonly alpha: number;
  readonly shape: [number, number];
  readonly A: number[];
  readonly B: number[];
  readonly W: number[];
  readonly bias: number[];
  readonly x: number[];
  readonly dy: number[];
  readonly delta: number[];
  readonly y: number[];
  readonly dA: number[];
  readonly dB: number[];
}

const { cases } = JSON.parse(readFileSync(new URL('./__fixtures__/loran.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};
const registry = createActivationRegistry(standardActivations);

beforeAll(() => openEngine(portableEngine('cpu')));

describe.each(cases)("the authors' formula with $activation, $shape", (golden) => {
  const { activation, rank, alpha, shape } = golden;
  const [rows, columns] = shape;

  async function adapted() {
    const slot = new Slot('dense', frozenTensor(tf.tensor2d(golden.W, shape), tf.tensor1d(golden.bias)));
    const set = new AdapterSet({ modules: () => new Map([['dense', slot]]) });
    const adapter = await set.add({
      method: loran,
      config: { rank, alpha, activation },
      targetModules: ['dense'],
      resolve: (_, name) => registry.get(name),
    });
    const layer = adapter.layers.get('dense')!;
    const [A, B] = [layer.parameters.get('A')!, layer.parameters.get('B')!];
    A.assign(tf.tensor2d(golden.A, [rank, columns]));
    B.assign(tf.tensor2d(golden.B, [rows, rank]));
    return { slot, set, layer, A, B, x: tf.tensor2d(golden.x, [2, columns]) };
  }

  test('gives the update, the output and the gradients', async () => {
    const { slot, layer, A, B, x } = await adapted();
    await expectClose(await layer.delta().weight!.data(), golden.delta, { absolute: 1e-6 });
    await expectClose(await slot.apply(x).data(), golden.y, { absolute: 4e-6 });
    const dy = tf.tensor2d(golden.dy, [2, rows]);
    const { grads } = tf.variableGrads(() => tf.sum<Scalar>(tf.mul(slot.apply(x), dy)), [A, B]);
    await expectClose(await grads[A.name]!.data(), golden.dA, { absolute: 1e-5, relative: 2e-5 });
    await expectClose(await grads[B.name]!.data(), golden.dB, { absolute: 1e-5, relative: 2e-5 });
  });

  test('merged into W gives the output as well', async () => {
    const { slot, set, x } = await adapted();
    await set.merge();
    await expectClose(await slot.apply(x).data(), golden.y, { absolute: 4e-6 });
  });

  test('computed in two terms, as dropout asks for, is the same where dropout drops nothing', async () => {
    const { slot, layer, x } = await adapted();
    const config = loran.config.parse({ rank, alpha, activation, dropout: 0.5 });
    const twoTerm = loran.create(slot.frozen, config, {
      path: 'dense',
      random: randomStream(0),
      resolve: (_, name) => registry.get(name),
      shared: new Map(),
      initialise: true,
    });
    for (const [name, parameter] of layer.parameters) twoTerm.parameters.get(name)!.assign(parameter);
    const base = (input: tf.Tensor) => slot.frozen.apply(input);
    const keepAll = { training: true, scale: 1, drop: <T extends tf.Tensor>(input: T) => input, base };
    const y = twoTerm.forward(x, (input, delta) => slot.frozen.apply(input, delta), keepAll);
    await expectClose(await y.data(), golden.y, { absolute: 4e-6 });
  });
});
