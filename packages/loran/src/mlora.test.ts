/** Adapters of the authors' code: their files, read directly, give what their formulas give; and what is written for it is what it writes. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar } from '@tensorflow/tfjs-core';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { AdapterSet, frozenTensor, loadAdapter, openAdapterWeights, saveAdapter, Slot } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loran } from './loran.js';

interface Case {
  readonly module: 'tokens' | 'square' | 'dense';
  readonly W: number[];
  readonly bias: number[] | null;
  readonly x: number[];
  readonly dy: number[];
  readonly delta: number[];
  readonly y: number[];
  readonly gradients: Record<string, number[]>;
}

const fixtures = fileURLToPath(new URL('./__fixtures__/mlora', import.meta.url));
const { cases } = JSON.parse(readFileSync(path.join(fixtures, 'golden.json'), 'utf8')) as {
  cases: Record<string, Case>;
};
const shapes = { tokens: [9, 6], square: [6, 6], dense: [5, 6] } as const;
const registry = createActivationRegistry(standardActivations);
const loading = { methods: [loran], resolve: (_: string, name: string) => registry.get(name) };
const scratch = mkdtempSync(path.join(tmpdir(), 'loran-mlora-'));

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The adapter of a case on its base. */
async function loaded(name: string) {
  const { module, W, bias, x } = cases[name]!;
  const kind = module === 'tokens' ? 'embedding' : 'linear';
  const slot = new Slot(module, frozenTensor(tf.tensor2d(W, [...shapes[module]]), bias && tf.tensor1d(bias), kind));
  const set = new AdapterSet({ modules: () => new Map([[module, slot]]) });
  const adapter = await loadAdapter(set, path.join(fixtures, name), loading);
  const input = module === 'tokens' ? tf.tensor1d(x, 'int32') : tf.tensor2d(x, [4, 6]);
  return { slot, set, adapter, layer: adapter.layers.get(module)!, input };
}

describe.each(Object.entries(cases))('%s', (name, golden) => {
  // ωz = 1e4·z is rounded to fp32 by up to 2e-5 rad where z is 0.05; Cos multiplies that by its whole value.
  const tolerance = { absolute: 4e-6, relative: 4e-6 };
  const slopes = name === 'cos' ? { absolute: 2e-4, relative: 2e-3 } : { absolute: 2e-5, relative: 1e-4 };

  test("gives the update, the output and the gradients of the authors' formula", async () => {
    const { slot, layer, adapter, input } = await loaded(name);
    await expectClose(await layer.delta().weight!.data(), golden.delta, tolerance);
    await expectClose(await slot.apply(input).data(), golden.y, tolerance);
    const dy = tf.tensor2d(golden.dy, [4, golden.dy.length / 4]);
    const { grads } = tf.variableGrads(
      () => tf.sum<Scalar>(tf.mul(slot.apply(input), dy)),
      [...layer.parameters.values()],
    );
    const suffixes = adapter.method.formats.find((format) => format.name === 'mlora')!.suffixes;
    expect([...layer.parameters.keys()].map((parameter) => suffixes.get(parameter)).sort()).toEqual(
      Object.keys(golden.gradients).sort(),
    );
    for (const [parameter, variable] of layer.parameters) {
      await expectClose(await grads[variable.name]!.data(), golden.gradients[suffixes.get(parameter)!]!, slopes);
    }
  });

  test('merged, on any shape, gives the output as well', async () => {
    const { slot, set, input } = await loaded(name);
    await set.merge();
    await expectClose(await slot.apply(input).data(), golden.y, tolerance);
  });

  test('written again, has their keys, shapes, values and fields', async () => {
    const { adapter } = await loaded(name);
    const [theirs, ours] = [path.join(fixtures, name), path.join(scratch, name)];
    await saveAdapter(adapter, ours, { format: 'mlora', taskType: 'CAUSAL_LM', baseModel: 'none' });
    expect(await tensorsIn(ours)).toEqual(await tensorsIn(theirs));
    const fields = (folder: string) =>
      JSON.parse(readFileSync(path.join(folder, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
    expect(fields(ours)).toMatchObject(used(fields(theirs)));
  });
});

/** A and ω mean nothing but to Sin; a choice of layers that is null is as good as none. */
function used({ mlora_af_sin_A: amplitude, mlora_af_sin_omega: omega, ...all }: Record<string, unknown>) {
  const fields = Object.fromEntries(
    Object.entries(all).filter(([name, value]) => value !== null || !name.startsWith('layers_')),
  );
  return fields.mlora_af === 'Sin' ? { ...fields, mlora_af_sin_A: amplitude, mlora_af_sin_omega: omega } : fields;
}

async function tensorsIn(folder: string) {
  const file = await openAdapterWeights(folder);
  const names = [...file.tensors.keys()].sort();
  const tensors = await Promise.all(names.map(async (name) => [name, await file.read(name)] as const));
  await file.close();
  return tensors.map(([name, { dtype, shape, data }]) => [name, dtype, shape, Buffer.from(data).toString('hex')]);
}
