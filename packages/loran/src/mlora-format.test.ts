/** What MLORA files may say, what of ours they cannot say, and what is refused. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createActivationRegistry, defineActivation, standardActivations } from '@loran/activations';
import { AdapterSet, frozenTensor, loadAdapter, saveAdapter, Slot } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loran } from './loran.js';
import { loranConfig, type LoranOptions } from './loran-config.js';
import { fromMlora, toMlora } from './mlora-activation.js';
import { mloraFormat } from './mlora-format.js';

const fixtures = fileURLToPath(new URL('./__fixtures__/mlora', import.meta.url));
const scratch = mkdtempSync(path.join(tmpdir(), 'loran-mlora-format-'));
const registry = createActivationRegistry(standardActivations);
const loading = { methods: [loran], resolve: (_: string, name: string) => registry.get(name) };

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(() => rmSync(scratch, { recursive: true }));

const setOf = (...sizes: readonly (readonly [number, number])[]) => {
  const slots = sizes.map((size, i) => new Slot(i === 0 ? 'dense' : `dense${i}`, frozenTensor(tf.ones([...size]))));
  return new AdapterSet({ modules: () => new Map(slots.map((slot) => [slot.path, slot])) });
};

test.each(['Sigmoid', 'Tanh', 'Relu', 'Silu', 'Identity', 'Swish', 'Sin', 'Cos', 'Gaussian'])(
  '%s comes back',
  (name) => {
    const theirs = { name, amplitude: 5e-4, frequency: 1e3 };
    expect(toMlora(fromMlora(theirs))).toEqual(theirs);
  },
);

test.each([
  ['sinter', { name: 'Sin', amplitude: 5e-5, frequency: 1e4 }],
  ['sinter-class-defaults', { name: 'Sin', amplitude: 5e-4, frequency: 1e3 }],
  [
    { name: 'sinter', frequency: 7 },
    { name: 'Sin', amplitude: 5e-5, frequency: 7 },
  ],
  [
    { name: 'swish', beta: 25 },
    { name: 'Swish', amplitude: 5e-4, frequency: 1e3 },
  ],
  ['swish', undefined],
  ['gelu', undefined],
  ['sine', undefined],
  [{ name: 'cosine', frequency: 10 }, undefined],
  [{ name: 'sinter', amplitude: { trainable: true } }, undefined],
  [defineActivation({ name: 'snake', apply: (z) => z }), undefined],
])('ours for theirs: %j', (ours, theirs) => {
  expect(toMlora(ours)).toEqual(theirs);
});

test("the defaults of the authors' class fill what a file leaves out", () => {
  expect(loranConfig.parse(mloraFormat.fromFile({ r: [4, 16] }))).toMatchObject({
    rank: 4,
    alpha: 8,
    dropout: 0,
    activation: 'sigmoid',
    projections: [16],
    biases: true,
  });
});

describe('a file', () => {
  test.each([
    ['r', 8, 'INVALID_ADAPTER_CONFIG', /field 'r' is 8; expected a list of two or more/],
    ['r', [8], 'INVALID_ADAPTER_CONFIG', /field 'r' is \[8\]/],
    ['r', [2, 4.5], 'INVALID_ADAPTER_CONFIG', /field 'r'/],
    ['r', [0, 4], 'INVALID_ADAPTER_CONFIG', /field 'r'/],
    ['mlora_use_P', 'yes', 'INVALID_ADAPTER_CONFIG', /'mlora_use_P' is "yes"; expected true or false/],
    ['mlora_af_sin_omega', '1e4', 'INVALID_ADAPTER_CONFIG', /'mlora_af_sin_omega' is "1e4"; expected a number/],
    ['mlora_af', 'Sine', 'UNKNOWN_MLORA_ACTIVATION', /"Sine".*Did you mean Sin\?.*Sigmoid, Tanh/],
    ['mlora_af', 3, 'INVALID_ADAPTER_CONFIG', /'mlora_af' is 3/],
    ['mlora_alpha', -1, 'INVALID_CONFIG', /alpha/],
    ['bias', 'mlora_only', 'UNSUPPORTED_PEFT_FEATURE', /"bias": "mlora_only"/],
    ['r', [2, 4, 3], 'ADAPTER_KEYS', /Missing: .*mlora_P_2.*mlora_b_2/],
    ['r', [3, 4], 'SHAPE_MISMATCH', /mlora_A'.*\[3, 4\].*\[2, 4\]/],
    ['r', [2, 5], 'SHAPE_MISMATCH', /mlora_A'.*\[2, 5\].*\[2, 4\]/],
    ['mlora_use_b', false, 'ADAPTER_KEYS', /Not used by any module: .*mlora_b_1/],
    ['mlora_use_P', false, 'ADAPTER_KEYS', /Not used by any module: .*mlora_P_1/],
  ])('with %s: %j is refused: %s', async (field, value, code, message) => {
    const folder = mkdtempSync(path.join(scratch, 'bad-'));
    cpSync(path.join(fixtures, 'class-defaults'), folder, { recursive: true });
    const file = path.join(folder, 'adapter_config.json');
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), [field]: value }));
    const set = setOf([5, 6]);
    const read = loadAdapter(set, folder, loading);
    await expect(read).rejects.toMatchObject({ code });
    await expect(read).rejects.toThrow(message);
    expect(set.names()).toEqual([]);
  });

  test('whose P has other sides than the weight is refused', async () => {
    const reading = loadAdapter(setOf([5, 7]), path.join(fixtures, 'class-defaults'), loading);
    await expect(reading).rejects.toThrow(/mlora_P_1'.*\[4, 7\].*\[4, 6\]/);
  });
});

describe('cannot say', () => {
  test.each<[LoranOptions, readonly (readonly [number, number])[], RegExp]>([
    [{}, [[5, 6]], /square weights only, and that of 'dense' has 6 inputs and 5 outputs/],
    [
      {},
      [
        [4, 4],
        [5, 5],
      ],
      /weights of one size only, and these have 4 and 5/,
    ],
    [{ activation: 'gelu' }, [[4, 4]], /activation is none of theirs/],
    [{ activation: { name: 'sinter', frequency: { trainable: true } } }, [[4, 4]], /trained parameters/],
    [{ scaling: 'sqrt-rank' }, [[4, 4]], /scaling is 'sqrt-rank'/],
    [{ rankPattern: { dense: 1 } }, [[4, 4]], /rankPattern/],
    [{ activationPattern: { dense: 'tanh' } }, [[4, 4]], /activationPattern/],
  ])('%j on %j', async (config, sizes, message) => {
    const set = setOf(...sizes);
    const adapter = await set.add({
      method: loran,
      config: { rank: 2, ...config },
      targetModules: 'dense.*',
      resolve: loading.resolve,
    });
    const saving = saveAdapter(adapter, path.join(scratch, 'none'), { format: 'mlora' });
    await expect(saving).rejects.toMatchObject({ code: 'NOT_IN_FORMAT' });
    await expect(saving).rejects.toThrow(message);
  });

  test('no depth beside other projections', () => {
    expect(() => loranConfig.parse({ depth: 2, projections: [4] })).toThrow(/leave depth out/);
  });
});
