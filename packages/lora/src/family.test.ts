/** The variants of LoRA and PEFT: what PEFT saved gives its outputs and gradients here, and comes back from our own files. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { adapterParameters, AdapterSet, frozenTensor, loadAdapter, saveAdapter, Slot } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { expectClose } from '@loran/testing';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lora } from './lora.js';
import { trainableTokens } from './trainable-tokens.js';

interface Case {
  readonly tied: boolean;
  readonly ids: number[][];
  readonly base: Record<string, number[]>;
  readonly output: number[];
  readonly merged: number[];
  readonly gradients?: Record<string, number[]>;
}

const fixtures = fileURLToPath(new URL('./__fixtures__/family', import.meta.url));
const { cases } = JSON.parse(readFileSync(path.join(fixtures, 'golden.json'), 'utf8')) as {
  cases: Record<string, Case>;
};
const scratch = mkdtempSync(path.join(tmpdir(), 'loran-family-'));
const methods = [lora, trainableTokens as never];

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The model of the script: embed_tokens [9, 6], dense [5, 6], out [6, 5], lm_head [9, 6]. */
function model({ base, ids, tied }: Case) {
  const slot = (name: string, rows: number, columns: number, kind?: 'embedding') => {
    const bias = base[`${name}.bias`];
    const weight = tf.tensor2d(base[`${name}.weight`]!, [rows, columns]);
    return new Slot(name, frozenTensor(weight, bias === undefined ? null : tf.tensor1d(bias), kind));
  };
  const slots = [
    slot('embed_tokens', 9, 6, 'embedding'),
    slot('dense', 5, 6),
    slot('out', 6, 5),
    slot('lm_head', 9, 6),
  ] as const;
  const [tokens, dense, out, head] = slots;
  const modules = new Map(slots.map((slot) => [slot.path, slot]));
  const input = tf.tensor2d(ids, [2, 3], 'int32');
  const run = () => tf.tidy(() => head.apply(out.apply(tf.tanh(dense.apply(tokens.apply(input)))))); // [2, 3, 9]
  const set = new AdapterSet({
    modules: () => modules,
    outputHead: ['lm_head'],
    ...(tied ? { tied: new Map([['lm_head', 'embed_tokens']]) } : {}),
  });
  return { set, modules, run };
}

const trained = Object.entries(cases).filter(([name]) => !name.endsWith('-start'));

describe.each(trained)('%s', (name, golden) => {
  const folder = path.join(fixtures, name);

  test("gives PEFT's outputs, merged too; the base is back without it", async () => {
    const { set, run } = model(golden);
    const base = await run().data();
    await loadAdapter(set, folder, { methods });
    await expectClose(await run().data(), golden.output, { absolute: 1e-5 });
    await set.merge();
    await expectClose(await run().data(), golden.merged, { absolute: 1e-5 });
    set.unmerge();
    set.activate();
    expect(await run().data()).toEqual(base);
  });

  test('written and read again, it computes the same', async () => {
    const one = model(golden);
    await saveAdapter(await loadAdapter(one.set, folder, { methods }), path.join(scratch, name));
    const two = model(golden);
    await loadAdapter(two.set, path.join(scratch, name), { methods });
    await expectClose(await two.run().data(), golden.output, { absolute: 1e-5 });
  });

  test.skipIf(golden.gradients === undefined)("gives PEFT's gradients", async () => {
    const { set, run } = model(golden);
    const adapter = await loadAdapter(set, folder, { methods });
    const keys: Record<string, string> = {
      A: 'lora_A.weight',
      B: 'lora_B.weight',
      embeddingA: 'lora_embedding_A',
      embeddingB: 'lora_embedding_B',
      magnitude: 'lora_magnitude_vector',
    };
    const parameters = adapterParameters(adapter);
    const { grads } = tf.variableGrads(() => tf.sum(tf.square(run())) as tf.Scalar, [...parameters.values()]);
    expect(parameters.size).toBe(Object.keys(golden.gradients!).length);
    for (const [key, parameter] of parameters) {
      const at = key.lastIndexOf('.');
      const expected = golden.gradients![`base_model.model.${key.slice(0, at)}.${keys[key.slice(at + 1)]!}`]!;
      const largest = Math.max(...expected.map(Math.abs));
      await expectClose(await grads[parameter.name]!.data(), expected, { absolute: 1e-5 * (1 + largest) });
    }
  });
});

describe.each([
  ['pissa', { rank: 2, alpha: 6 }],
  ['olora', { rank: 2, alpha: 3 }],
] as const)('a start from %s', (init, config) => {
  const golden = cases[`${init}-start`]!;
  const add = (set: AdapterSet) =>
    set.add({ method: lora, config: { ...config, init }, targetModules: ['dense', 'out'] });
  const product = (layer: { parameters: ReadonlyMap<string, Variable> }) =>
    tf.matMul(layer.parameters.get('B') as unknown as Tensor2D, layer.parameters.get('A') as unknown as Tensor2D);

  test("has PEFT's factors, but for their signs", async () => {
    const [one, two] = [model(golden), model(golden)];
    const ours = await add(one.set);
    const theirs = await loadAdapter(two.set, path.join(fixtures, `${init}-start`), { methods });
    for (const [module, layer] of ours.layers) {
      const expected = theirs.layers.get(module)!;
      await expectClose(await product(layer).data(), await product(expected).data(), { absolute: 1e-5 });
      for (const [name, parameter] of layer.parameters) {
        const sizes = (x: tf.Tensor) => tf.abs(x).data();
        await expectClose(await sizes(parameter), await sizes(expected.parameters.get(name)!), { absolute: 1e-5 });
      }
    }
  });

  test('is saved as a LoRA of twice the rank that computes the same, and is a plain product', async () => {
    const { set, run } = model(golden);
    const adapter = await add(set);
    for (const parameter of adapterParameters(adapter).values()) parameter.assign(tf.add(parameter, 0.1));
    const adapted = await run().data();
    const folder = path.join(scratch, `${init}-trained`);
    await saveAdapter(adapter, folder);
    const fields = JSON.parse(readFileSync(path.join(folder, 'adapter_config.json'), 'utf8')) as object;
    expect(fields).toMatchObject({ r: 4, lora_alpha: 2 * config.alpha, init_lora_weights: true });
    const other = model(golden);
    const loaded = await loadAdapter(other.set, folder, { methods });
    await expectClose(await other.run().data(), adapted, { absolute: 1e-5 });
    expect(loaded.config).toMatchObject({ rank: 4, init: 'kaiming' });
    const { A, B, scaling, release } = adapter.layers.get('dense')!.factored!();
    const whole = tf.mul(tf.matMul(B, A), scaling);
    release?.();
    await expectClose(await whole.data(), await adapter.layers.get('dense')!.delta().weight!.data(), {
      absolute: 1e-5,
    });
  });
});

test('an orthogonal start changes nothing but for rounding, though no factor is 0', async () => {
  const { set, run } = model(cases.orthogonal!);
  const base = await run().data();
  const adapter = await set.add({
    method: lora,
    config: { rank: 4, init: 'orthogonal' },
    targetModules: ['dense'],
  });
  await expectClose(await run().data(), base, { absolute: 1e-6 });
  for (const parameter of adapterParameters(adapter).values()) {
    expect(Math.max(...(await parameter.data()).map(Math.abs))).toBeGreaterThan(0.01);
  }
});

describe('what cannot be combined is refused', () => {
  const golden = cases['tokens-tied']!;
  const add = (config: object, targetModules: string[] = ['dense']) =>
    model(golden).set.add({ method: lora, config: { rank: 2, ...config }, targetModules });

  test.each([
    ['DoRA in weight space', { dora: true, form: 'weight-space' }, /form: DoRA/],
    ['DoRA with a bias on B', { dora: true, loraBias: true }, /loraBias: .*DoRA/],
    ['a bias on B with another start', { loraBias: true, init: 'pissa' }, /starts with init 'kaiming' only/],
    ['an odd rank cut in half', { rank: 3, init: 'orthogonal' }, /must be even; it is 3/],
    ['an unknown start', { init: 'pissa_niter_x' }, /init/],
  ])('%s', (_, config, message) => expect(add(config)).rejects.toThrow(message));

  test.each([
    ['a token that the embedding does not have', { trainableTokens: [3, 9] }, 'INVALID_TOKENS', /ids are 0 to 8/],
    ['a token named twice', { trainableTokens: [3, 3] }, 'INVALID_TOKENS', /token 3 .* twice/],
    ['another embedding', { trainableTokens: { wte: [3] } }, 'UNKNOWN_MODULE', /it has embed_tokens/],
    ['EVA without data', { init: 'eva' }, 'EVA_DATA', /none are at hand/],
    ['LoftQ on an exact base', { init: 'loftq' }, 'LOFTQ_BASE', /--base nf4/],
  ])('%s', async (_, config, code, message) => {
    await expect(add(config)).rejects.toMatchObject({ code });
    await expect(add(config)).rejects.toThrow(message);
  });

  test('token rows of an embedding whose head is a target', () =>
    expect(add({ trainableTokens: [1] }, ['lm_head'])).rejects.toMatchObject({ code: 'TIED_TARGETS' }));

  test('a bias on B of an embedding', () =>
    expect(add({ loraBias: true }, ['embed_tokens'])).rejects.toThrow(/embed_tokens' is one/));
});
