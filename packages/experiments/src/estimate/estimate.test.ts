/** Estimates against what real trainings count: on ONNX Runtime, with the same data. */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { standardActivations } from '@loran/activations';
import { AdapterSet, adapterParameters, type AdapterMethod, type BaseStorage } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { openSafetensorsFolder } from '@loran/formats';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { loadLanguageModel, openConfiguration } from '@loran/models';
import { nf4 } from '@loran/qlora';
import { closeEngine, openEngine } from '@loran/tensor';
import { adamW, languageModelTask, train } from '@loran/trainer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLab } from '../lab.js';
import { parseOptions } from '../options.js';
import { estimateOptions, type EstimateOptions } from './estimate-options.js';
import { rehearse } from './rehearse.js';

const fixtures = fileURLToPath(new URL('../../../models/src/__fixtures__', import.meta.url));
const llama = path.join(fixtures, 'decoders', 'llama');
const lab = createLab().use(lora, loran, nf4, ...standardActivations);
let folder: string;

/** A llama's config.json alone. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-estimate-'));
  await copyFile(path.join(llama, 'config.json'), path.join(folder, 'config.json'));
});
afterAll(async () => {
  await closeEngine();
  await rm(folder, { recursive: true });
});

/** What a real training counts: bytes of weights and of state, and the largest graph of its updates. */
async function trained(base: string, method: string, [batchSize, length]: readonly [number, number]) {
  await openEngine(onnxruntime, { device: 'cpu' });
  const weights = await openSafetensorsFolder(llama);
  const source = { ...(await openConfiguration(llama)), weights };
  const model = await loadLanguageModel(source, {
    base: lab.plugins<BaseStorage>('base-storage').get(base),
  });
  const set = new AdapterSet(model);
  const adapter = await set.add({
    method: lab.plugins<AdapterMethod>('adapter-method').get(method),
    ...{ config: { rank: 2 }, targetModules: model.targetModules },
    resolve: (kind, name) => lab.plugins(kind).get(name),
  });
  const ids = Array.from({ length }, (_, i) => 3 + (i % 5));
  const examples = Array.from({ length: 2 * batchSize }, () => ({ ids, supervised: ids.map((_, i) => i > 0), cut: 0 }));
  await onnxruntime.flush();
  const before = onnxruntime.memory().bytes;
  let graphBytes = 0;
  let optimizerBytes = 0;
  const stop = onnxruntime.observe(({ arenaBytes }) => (graphBytes = Math.max(graphBytes, arenaBytes)));
  const task = languageModelTask({
    model,
    parameters: adapterParameters(adapter),
    examples,
    batchSize,
    allowEndless: true,
  });
  for await (const { type } of train({ task, learningRate: 1e-3, maxGradientNorm: 1, steps: 2, optimizer: adamW() })) {
    if (type === 'step') optimizerBytes = onnxruntime.memory().bytes - before;
  }
  stop();
  await weights.close();
  const slots = [...model.modules().values()];
  const frozenBytes = slots.reduce((sum, { byteLength }) => sum + byteLength, 0) + 4 * (model.otherParameters ?? 0);
  return { graphBytes, optimizerBytes, frozenBytes, parameters: set.count() };
}

test.each([
  ['fp32', 'lora', [2, 12]],
  ['nf4', 'loran', [1, 8]],
] as const)('%s, %s, %s: a rehearsal counts what a training does, to the byte', async (base, method, batch) => {
  const [batchSize, maxLength] = batch;
  const plan = parseOptions(estimateOptions, {
    ...{ model: folder, base, adapter: { method, rank: 2 } },
    training: { batchSize, maxLength },
  });
  const rehearsed = await rehearse(lab, await openConfiguration(folder), plan);
  expect(rehearsed).toMatchObject({ task: 'language-model', batchSize, length: maxLength });
  expect(rehearsed).toMatchObject(await trained(base, method, batch));
});

describe('an estimate', () => {
  const of = (options: Partial<EstimateOptions> = {}) =>
    lab.estimate({ model: folder, training: { batchSize: 2, maxLength: 12 }, ...options });

  test('is the sum of its parts, and grows and shrinks with what it is of', async () => {
    const plain = await of();
    expect(plain.peakBytes).toBe(
      plain.runtimeBytes + plain.frozenBytes + plain.adapterBytes + plain.optimizerBytes + plain.activationBytes,
    );
    expect(plain.optimizerBytes).toBe(2 * plain.adapterBytes); // two moments
    const larger = await of({ training: { batchSize: 4, maxLength: 12 } });
    expect(larger.activationBytes).toBeGreaterThan(1.5 * plain.activationBytes);
    const packed = await of({ base: 'nf4' });
    expect(packed.frozenBytes).toBeLessThan(plain.frozenBytes);
    expect(packed.parameters).toEqual(plain.parameters);
    const sum = await of({ training: { batchSize: 2, maxLength: 12, accumulate: 2 } });
    expect(sum.optimizerBytes).toBe(3 * plain.adapterBytes + 4); // and the gradients, and the loss
  });

  test.each([
    ['tiny-bert', 'classification'],
    ['decoders/gpt2', 'classification'],
    ['decoders/gemma2', 'language-model'],
    ['decoders/falcon', 'language-model'],
    ['encoders/distilbert', 'classification'],
    ['t5/t5', 'sequence-to-sequence'],
  ] as const)('of %s for %s needs its config.json alone', async (name, task) => {
    const alone = await mkdtemp(path.join(folder, 'config-'));
    await copyFile(path.join(fixtures, name, 'config.json'), path.join(alone, 'config.json'));
    const { parameters, activationBytes } = await of({ model: alone, task, labels: 3 });
    expect(parameters.trainable).toBeGreaterThan(0);
    expect(activationBytes).toBeGreaterThan(1e4);
  });

  test('of what cannot be says why', async () => {
    await expect(of({ base: 'nf5' })).rejects.toThrow(/Unknown base-storage 'nf5'/);
    await expect(of({ model: path.join(folder, 'nowhere') })).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(of({ task: 'sequence-to-sequence' })).rejects.toMatchObject({ code: 'UNSUPPORTED_TASK' });
    await expect(of({ training: { batchSize: 0 } })).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    const broken = await mkdtemp(path.join(folder, 'broken-'));
    await writeFile(path.join(broken, 'config.json'), '[]');
    await expect(of({ model: broken })).rejects.toMatchObject({ code: 'INVALID_MODEL_CONFIG' });
  });
});
