import '@tensorflow/tfjs-backend-cpu';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdapterSet, frozenTensor, loadAdapter, Slot } from '@loran/adapter';
import { accuracy } from '@loran/evaluators';
import { lora } from '@loran/lora';
import { LoranError } from '@loran/plugin';
import { openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Toy, toyClassifier, toyExamples } from '../__fixtures__/toy-classifier.js';
import { classificationTask } from '../classification/classification-task.js';
import { evaluateClassifier } from '../classification/evaluate-classifier.js';
import { train } from '../train.js';
import { metricsFileName, readMetrics } from './metrics-file.js';
import { RunFolder, type RunDescription } from './run-folder.js';
import { readRun } from './run-record.js';

let folder: string;
let toy: Toy;
beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});
beforeEach(async () => {
  folder = path.join(await fs.mkdtemp(path.join(tmpdir(), 'loran-run-')), 'out');
  toy = await toyClassifier();
});
afterEach(async () => {
  toy.dispose();
  await fs.rm(path.dirname(folder), { recursive: true });
});

const description: RunDescription = {
  configuration: { method: 'lora', rank: 4, learningRate: 0.05, targetModules: ['hidden'] },
  seeds: { data: 3, dropout: 4 },
  labels: { labels: ['0', '1', '2'], names: ['zero', 'one', 'two'] },
  versions: { '@loran/lora': '0.1.0' },
};
const examples = toyExamples(30);
const task = () =>
  classificationTask({ classifier: toy.classifier, parameters: toy.parameters, examples, batchSize: 10 });

async function trainInto(run: RunFolder, options: { signal?: AbortSignal; learningRate?: number } = {}) {
  const evaluate = async () => (await evaluateClassifier(toy.classifier, examples, [accuracy])).metrics;
  const save = () => run.save(toy.adapter, { baseModel: 'toy', taskType: 'SEQ_CLS' });
  const events = train({ task: task(), learningRate: 0.05, epochs: 2, evaluate, save, ...options });
  for await (const _ of run.follow(events));
}

test('holds the adapter, the record and the metrics of a training', async () => {
  const run = await RunFolder.create(folder, description);
  expect((await readRun(folder)).status).toBe('running');
  await trainInto(run);
  expect((await fs.readdir(folder)).sort()).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'metrics.jsonl',
    'run.json',
  ]);
  const { configuration, seeds, labels, versions, machine, status, progress, evaluations, metrics } =
    await readRun(folder);
  expect({ configuration, seeds }).toEqual({ configuration: description.configuration, seeds: description.seeds });
  expect(labels).toEqual([
    { label: '0', name: 'zero' },
    { label: '1', name: 'one' },
    { label: '2', name: 'two' },
  ]);
  expect(versions).toMatchObject({
    node: process.versions.node,
    '@tensorflow/tfjs-core': '4.22.0',
    '@loran/lora': '0.1.0',
  });
  expect(machine).toMatchObject({ engine: 'cpu', device: 'cpu', architecture: process.arch });
  expect(status).toBe('finished');
  expect(progress).toMatchObject({
    step: 6,
    epoch: 2,
    tokens: 2 * examples.reduce((sum, { ids }) => sum + ids.length, 0),
  });
  expect(evaluations.map(({ step, epoch }) => [step, epoch])).toEqual([
    [3, 1],
    [6, 2],
  ]);
  expect(metrics).toEqual(evaluations[1]!.metrics);
  const last = metrics['accuracy'] as { value: number; low: number; high: number };
  expect(last.low).toBeLessThanOrEqual(last.value);
  expect(last.value).toBeLessThanOrEqual(last.high);

  const lines = await readMetrics(folder);
  expect(lines.map(({ step, epoch }) => [step, epoch])).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
    [6, 2],
  ]);
  expect(Object.keys(lines[0]!)).toEqual([
    'step',
    'epoch',
    'loss',
    'learningRate',
    'gradientNorm',
    'tokens',
    'tokensPerSecond',
    'time',
  ]);
  await run.report({ 'test-accuracy': 0.75 });
  expect((await readRun(folder)).metrics).toEqual({ ...metrics, 'test-accuracy': 0.75 });
});

test('the adapter in it computes what was trained', async () => {
  const run = await RunFolder.create(folder, description);
  await trainInto(run);
  const loaded = await loadAdapter(freshSet(), folder, { methods: [lora as never] });
  const values = (layer: ReadonlyMap<string, tf.Variable>) =>
    Promise.all([...layer].map(async ([name, tensor]) => [name, [...(await tensor.data())]]));
  for (const kind of ['layers', 'savedModules'] as const) {
    for (const [name, layer] of toy.adapter[kind]) {
      expect(await values(loaded[kind].get(name)!.parameters)).toEqual(await values(layer.parameters));
    }
  }
});

test('says how a training ended that did not finish', async () => {
  await trainInto(await RunFolder.create(folder, description), { signal: AbortSignal.abort() });
  expect((await readRun(folder)).status).toBe('interrupted');

  const failing = await RunFolder.create(folder, description, { overwrite: true });
  await expect(trainInto(failing, { learningRate: 1e38 })).rejects.toMatchObject({ code: 'NON_FINITE_LOSS' });
  const { status, error } = await readRun(folder);
  expect(status).toBe('failed');
  expect(error).toMatchObject({
    code: 'NON_FINITE_LOSS',
    message: expect.stringContaining('Training stopped at step 1 '),
  });
  expect(await fs.readdir(folder)).not.toContain('adapter_model.safetensors'); // no step was made: nothing to save

  const left = await RunFolder.create(folder, description, { overwrite: true });
  for await (const event of left.follow(train({ task: task(), learningRate: 0.05 }))) if (event.step === 2) break;
  const record = await readRun(folder);
  expect(record.status).toBe('interrupted');
  expect(record.progress).toMatchObject({ step: 2 });
});

test('a folder in use is not written over unless asked, and never when it is not a run', async () => {
  await RunFolder.create(folder, description);
  const again = RunFolder.create(folder, description);
  await expect(again).rejects.toThrow(/already holds run\.json\. Choose another folder, or set overwrite/);
  await expect(again).rejects.toMatchObject({ code: 'RUN_FOLDER_IN_USE' });
  await fs.writeFile(path.join(folder, 'notes.txt'), 'mine');
  await fs.writeFile(path.join(folder, metricsFileName), '{"step":1}\n');
  await RunFolder.create(folder, description, { overwrite: true });
  expect((await fs.readdir(folder)).sort()).toEqual(['notes.txt', 'run.json']);

  const other = path.join(path.dirname(folder), 'model');
  await fs.mkdir(other);
  await fs.writeFile(path.join(other, 'README.md'), 'a model');
  await expect(RunFolder.create(other, description, { overwrite: true })).rejects.toThrow(/already holds README\.md/);
  expect(await fs.readFile(path.join(other, 'README.md'), 'utf8')).toBe('a model');
});

test('a place that cannot be written is an error that names it', async () => {
  await fs.writeFile(folder, 'a file');
  await expect(RunFolder.create(path.join(folder, 'inside'), description)).rejects.toThrow(
    /inside' could not be written \(ENOTDIR\)/,
  );
});

/** The toy's modules with other values, for an adapter to be loaded onto. */
function freshSet(): AdapterSet {
  const slot = (name: string, rows: number): [string, Slot] => [
    name,
    new Slot(name, frozenTensor(tf.zeros<tf.Rank.R2>([rows, 8]), tf.zeros<tf.Rank.R1>([rows]))),
  ];
  const slots = new Map([slot('hidden', 8), slot('classifier', 3)]);
  return new AdapterSet({ modules: () => slots });
}

test('a disk that fills up ends the training; what was saved stays whole', async () => {
  const run = await RunFolder.create(folder, description);
  await run.save(toy.adapter);
  const before = await fs.readFile(path.join(folder, 'adapter_model.safetensors'));
  const open = fs.open;
  const spy = vi.spyOn(fs, 'open').mockImplementation(async (file, ...rest) => {
    const handle = await open(file, ...rest);
    if (!String(file).endsWith(metricsFileName)) return handle;
    const full = () => Promise.reject(Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC' }));
    return Object.assign(handle, { appendFile: full });
  });
  const training = trainInto(run);
  await expect(training).rejects.toThrow(/metrics\.jsonl' could not be written \(ENOSPC\)/);
  spy.mockRestore();
  expect(await fs.readFile(path.join(folder, 'adapter_model.safetensors'))).toEqual(before);
  expect(await readRun(folder)).toMatchObject({ status: 'failed', error: { code: 'WRITE_FAILED' } });
});

describe('a process killed while saving', () => {
  test.each(['adapter_model.safetensors', 'adapter_config.json', 'run.json'])(
    'leaves every file whole (killed at %s)',
    async (file) => {
      const fixture = fileURLToPath(new URL('../__fixtures__/stalled-save.ts', import.meta.url));
      const child = spawn(process.execPath, ['--conditions=@loran/source', '--import', 'tsx', fixture, folder, file], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let shown = '';
      for await (const text of child.stdout) if ((shown += String(text)).includes('half-way')) break;
      expect(shown).toContain('half-way');
      const before = await contents();
      child.kill('SIGKILL');
      await once(child, 'exit');

      expect(await contents()).toEqual(before);
      const set = freshSet();
      const loaded = await loadAdapter(set, folder, { methods: [lora as never] });
      for (const layer of loaded.layers.values()) {
        for (const tensor of layer.parameters.values()) expect((await tensor.data()).every(Number.isFinite)).toBe(true);
      }
      expect((await readRun(folder)).status).toBe('running');
      const lines = await readMetrics(folder);
      expect(lines.length).toBeGreaterThanOrEqual(2);
    },
  );

  async function contents() {
    const names = ['adapter_config.json', 'adapter_model.safetensors', 'README.md', 'run.json'];
    return Promise.all(
      names.map(async (name) => [name, (await fs.readFile(path.join(folder, name))).toString('base64')]),
    );
  }
});

describe('reading', () => {
  test('a metrics file whose last line was cut off', async () => {
    const run = await RunFolder.create(folder, description);
    await trainInto(run);
    const file = path.join(folder, metricsFileName);
    const text = await fs.readFile(file, 'utf8');
    await fs.writeFile(file, text.slice(0, -20));
    expect(await readMetrics(folder)).toHaveLength(5);
    await fs.writeFile(file, text.replace('"loss":', '"loss";'));
    await expect(readMetrics(folder)).rejects.toThrow(/metrics\.jsonl:1: this is not JSON/);
    await fs.writeFile(file, text.replace(/"tokens":\d+/, '"tokens":"many"'));
    await expect(readMetrics(folder)).rejects.toThrow(/metrics\.jsonl:1: field 'tokens'/);
  });

  test('what is no run', async () => {
    await expect(readRun(folder)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await expect(readMetrics(folder)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await fs.mkdir(folder);
    await fs.writeFile(path.join(folder, 'run.json'), '{');
    await expect(readRun(folder)).rejects.toThrow(/run\.json is not JSON/);
    await fs.writeFile(path.join(folder, 'run.json'), '{"format":"loran-run","formatVersion":2}');
    await expect(readRun(folder)).rejects.toThrow(/field 'formatVersion'/);
    await expect(readRun(folder)).rejects.toSatisfy((error) => LoranError.is(error, 'INVALID_RUN'));
  });
});
