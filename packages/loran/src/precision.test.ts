/** Why the adapter path is fp32: what Sinter changes at its published constants is below what 16 bits can hold. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { sinter, sinterClassDefaults, type Activation } from '@loran/activations';
import { AdapterSet, frozenTensor, Slot } from '@loran/adapter';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { loran } from './loran.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const rank = 8;

/** The LoRAN update of a [48, 40] weight, and the product that f is given, with alpha = rank. */
async function updateAndProduct(activation: Activation) {
  const slot = new Slot('dense', frozenTensor(tf.zeros([48, 40])));
  const set = new AdapterSet({ modules: () => new Map([['dense', slot]]) });
  const { layers } = await set.add({
    method: loran,
    config: { rank, alpha: rank, activation },
    targetModules: ['dense'],
  });
  const layer = layers.get('dense')!;
  const [A, B] = [layer.parameters.get('A')!, layer.parameters.get('B')!];
  B.assign(randomStream(2).normal([48, rank], 0, 0.01)); // entries of B·A near 2e-3, as in training
  const update = await layer.delta().weight!.data<'float32'>();
  const product = await tf.matMul(B as unknown as Tensor2D, A as unknown as Tensor2D).data<'float32'>();
  return { update, product };
}

describe.each([
  { name: 'the published constants', activation: sinter, amplitude: 5e-5 },
  { name: "the class's defaults", activation: sinterClassDefaults, amplitude: 5e-4 },
])('$name', ({ activation, amplitude }) => {
  test('change nearly every element of the update in fp32, by at most A of its size', async () => {
    const { update, product } = await updateAndProduct(activation);
    const relative = update.map((value, i) => Math.abs(value - product[i]!) / Math.abs(product[i]!));
    expect(relative.filter((change) => change > 0).length).toBeGreaterThan(0.95 * update.length);
    expect(Math.max(...relative)).toBeLessThanOrEqual(amplitude * 1.01);
    expect(Math.max(...relative)).toBeGreaterThan(amplitude * 0.9);
  });

  test('are lost when update and product are rounded to bf16', async () => {
    const { update, product } = await updateAndProduct(activation);
    const same = update.filter((value, i) => toBfloat16(value) === toBfloat16(product[i]!)).length;
    // A rounding boundary lies between the two for a few: within A of 2⁻⁸ of them.
    expect(same / update.length).toBeGreaterThan(1 - 2 * amplitude * 256);
    const argument = Float32Array.from(product, toBfloat16); // and as bf16 arithmetic has it: rounded product in, rounded value out
    const f = activation.instantiate();
    const shaped = await f.apply(tf.tensor1d(argument)).data<'float32'>();
    expect(Array.from(shaped, toBfloat16)).toEqual([...argument]);
  });
});

/** Rounded to the nearest bfloat16, ties to even. */
function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0]!;
  const rounded = ((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000) >>> 0;
  return new Float32Array(Uint32Array.of(rounded).buffer)[0]!;
}
