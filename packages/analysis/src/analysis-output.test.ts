/** What an analysis warns of, and how it is shown. */
import '@tensorflow/tfjs-backend-cpu';
import { defineActivation } from '@loran/activations';
import { AdapterSet, frozenTensor, Slot } from '@loran/adapter';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { resolve } from './__fixtures__/golden.js';
import { analyseAdapter, analysisPlot, analysisTable } from './index.js';

beforeAll(() => openEngine(portableEngine('cpu')));

/** Three weights with an adapter whose factors are random: its B·A has entries near 2e-3. */
async function adapted(activation?: unknown, scale = 0.03) {
  const slots = ['<first>', 'second', 'third'].map(
    (path) => new Slot(path, frozenTensor(randomStream(1).derive(path).normal([20, 30], 0, 0.05) as tf.Tensor2D)),
  );
  const set = new AdapterSet({ modules: () => new Map(slots.map((slot) => [slot.path, slot])) });
  const targetModules = slots.map(({ path }) => path);
  const adapter =
    activation === undefined
      ? await set.add({ method: lora, config: { rank: 4, alpha: 4 }, targetModules })
      : await set.add({ method: loran, config: { rank: 4, alpha: 4, activation } as object, targetModules, resolve });
  for (const [path, layer] of adapter.layers) {
    for (const [name, parameter] of layer.parameters) {
      parameter.assign(randomStream(2).derive(path).derive(name).normal(parameter.shape, 0, scale));
    }
  }
  return { set, adapter, analyse: () => analyseAdapter(set, 'default') };
}

const codes = (warnings: readonly { code: string; layers: readonly string[] }[]) =>
  warnings.map(({ code, layers }) => `${code} ${layers.length}`);

test('what is 0 or not finite is named', async () => {
  const { adapter, analyse } = await adapted();
  adapter.layers
    .get('second')!
    .parameters.get('B')!
    .assign(tf.zeros([20, 4]));
  adapter.layers
    .get('third')!
    .parameters.get('B')!
    .assign(tf.fill([20, 4], Infinity));
  const analysis = await analyse();
  expect(analysis.layers.map(({ finite, update }) => [finite, update?.norm === 0])).toEqual([
    [true, false],
    [true, true],
    [false, false],
  ]);
  expect(analysis.warnings.map(({ code, layers }) => [code, layers])).toEqual([
    ['NON_FINITE', ['third']],
    ['NO_UPDATE', ['second']],
  ]);
  const page = await analysisPlot(analysis);
  expect(page).toContain('third: not finite');
  expect(page).toContain('second: 0');
});

test('constants that fp32 cannot show make f the identity', async () => {
  const { warnings } = await (await adapted({ name: 'sinter', amplitude: 1e-9 })).analyse();
  expect(codes(warnings)).toEqual(['IDENTITY 3']);
  expect(warnings[0]!.message).toMatch(
    /all 3 layers: it moves the update by 0 of its size at most, below what fp32 can hold/,
  );
});

test('the published constants are lost in 16 bits, with figures; an activation that bends is not', async () => {
  const { warnings } = await (await adapted('sinter')).analyse();
  expect(codes(warnings)).toEqual(['LOST_IN_ROUNDING 3', 'LOST_IN_ROUNDING 3']);
  expect(warnings[0]!.message).toMatch(
    /^Merged into BF16, the weights of all 3 layers .* moves ΔW by 3\.\de-5( to 3\.\de-5)? of its size, and .*[\d.]+ % of the elements of W \+ ΔW differ \(of ΔW computed in BF16, .*%\)/,
  );
  expect(warnings[1]!.message).toMatch(/^Merged into F16/);
  expect(codes((await (await adapted('relu')).analyse()).warnings)).toEqual([]);
});

test('an analysis leaves no tensors behind, and is plain data', async () => {
  const { analyse } = await adapted('sinter');
  await analyse();
  const before = tf.memory().numTensors;
  const analysis = await analyse();
  expect(tf.memory().numTensors).toBe(before);
  expect(JSON.parse(JSON.stringify(analysis))).toEqual(analysis);
});

test('a nonlinearity that gives NaN is not finite', async () => {
  const log = defineActivation({ name: 'log', apply: (z) => tf.log(tf.add(1, tf.mul(1e6, z))) });
  const { layers } = await (await adapted(log)).analyse();
  expect(layers.every(({ finite }) => !finite)).toBe(true);
});

test('the table has a line for each layer, and columns for f where there is one', async () => {
  const lines = analysisTable(await (await adapted('sinter')).analyse()).split('\n');
  expect(lines[0]).toBe('default: loran, 3 layers');
  expect(lines[1]).toMatch(/^layer +shape +‖ΔW‖ .* moved by f .* left in BF16/);
  expect(lines[2]).toMatch(/^<first> +20×30 +0\.\d+ .* 3\.\d+e-5 .* %$/);
  expect(lines.slice(5).every((line) => line.startsWith('warning: '))).toBe(true);
  const linear = analysisTable(await (await adapted()).analyse());
  expect(linear).not.toContain('moved by f');
});

test('the plot is one file with title, description, a panel for each layer and both spectra', async () => {
  const page = await analysisPlot(await (await adapted('relu')).analyse());
  expect(page).toMatch(/^<!DOCTYPE html>/i);
  expect(page).toContain('<title id="plot-title">Singular values of the adapter');
  expect(page).toContain('aria-labelledby="plot-title plot-description"');
  expect(page).toContain('prefers-color-scheme: dark');
  expect(page).toContain('&lt;first&gt;');
  expect(page).not.toContain('<first>');
  expect(page).not.toMatch(/(?:src|href)="|@import|<script/);
  expect(page.match(/<title>σ1 of ΔW: /g)).toHaveLength(3);
  expect(page.match(/<title>σ1 of ΔW without f: /g)).toHaveLength(3);
  expect(page.match(/<title>σ\d+ of ΔW without f: /g)).toHaveLength(12); // rank 4: the rest is rounding
  expect(page.match(/<title>σ\d+ of ΔW: /g)).toHaveLength(60);
});
