/** Whole runs on a tiny random BERT: trained, written, measured, compared. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { identity, sinter } from '@loran/activations';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import { type PhaseProgress, readMetrics, readRun } from '@loran/trainer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cpuLab, model, type Toy, toyTask } from './__fixtures__/toy-task.js';
import { loadPlugins } from './plugin-modules.js';
import { Services } from './services.js';

let toy: Toy;
beforeAll(async () => {
  toy = await toyTask();
});
afterAll(() => rm(toy.folder, { recursive: true }));

const lab = () => cpuLab().use(lora, loran, nf4, sinter, identity);
const training = { steps: 48, batchSize: 8, learningRate: 0.02, warmupSteps: 2 };

describe('a training run', () => {
  test('writes a folder from which the same metrics are measured again', async () => {
    const output = path.join(toy.folder, 'run');
    const data = { train: toy.train, test: toy.test };
    const run = await lab().train({ model, data, output, training, adapter: { method: 'lora', rank: 2, alpha: 4 } });
    expect(run).toMatchObject({ examples: 8, steps: 48, interrupted: false, labels: ['ham', 'spam'], folder: output });
    expect(run.metrics.accuracy?.value).toBe(1);

    const steps = await readMetrics(output);
    expect(steps).toHaveLength(48);
    expect(steps.at(-1)?.loss).toBeLessThan(steps[0]?.loss ?? 0);
    const record = await readRun(output);
    expect(record.status).toBe('finished');
    expect(record.labels?.map(({ label }) => label)).toEqual(['ham', 'spam']);
    expect(record.metrics.accuracy).toEqual(run.metrics.accuracy);
    const config = JSON.parse(await readFile(path.join(output, 'adapter_config.json'), 'utf8')) as object;
    expect(config).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      task_type: 'SEQ_CLS',
      target_modules: ['query', 'value'],
      modules_to_save: ['classifier'],
    });

    const again = await lab().evaluate({ model, adapter: output, data: toy.test });
    expect(again.metrics).toEqual(run.metrics);
    expect(again.predictions).toEqual(run.predictions);
  });

  test('says how far each phase is, to whom the lab is told to tell it', async () => {
    const listening = lab();
    const heard: PhaseProgress[] = [];
    listening.container.rebind(Services.progress).toConstantValue((progress: PhaseProgress) => heard.push(progress));
    const data = { train: toy.train, test: toy.test };
    await listening.train({ model, data, training: { ...training, steps: 1 } });
    const ended = heard.filter(({ done, total }) => done === total);
    expect(ended).toMatchObject([
      { phase: 'load', unit: 'bytes' },
      { phase: 'tokenise', unit: 'examples', total: 24 },
      { phase: 'tokenise', unit: 'examples', total: 8 },
      { phase: 'evaluate', unit: 'examples', total: 8 },
    ]);
    expect(ended[3]!.tokens).toBeGreaterThan(8);

    heard.length = 0;
    await listening.export({ model, output: path.join(toy.folder, 'written') });
    const phases = heard.filter(({ done, total }) => done === total).map(({ phase, unit }) => [phase, unit]);
    expect(phases).toEqual([
      ['load', 'bytes'],
      ['write', 'bytes'],
    ]);
  });

  test('holds a part out when no test data are named, the same for every seed', async () => {
    const short = { ...training, steps: 1 };
    const [a, b] = [0, 1].map((seed) =>
      lab().train({ model, data: { train: toy.train, testShare: 0.25 }, training: short, seed }),
    );
    expect((await a)?.references).toEqual((await b)?.references);
    expect((await a)?.examples).toBe(6);
  });

  test('a label that was not trained on is an error of the evaluation', async () => {
    const output = path.join(toy.folder, 'labels');
    await lab().train({ model, data: toy.train, output, training: { ...training, steps: 1 } });
    const other = path.join(toy.folder, 'other.jsonl');
    await writeFile(other, '{"text": "a letter", "label": "neither"}\n');
    await expect(lab().evaluate({ model, adapter: output, data: other })).rejects.toThrow(/'neither'.*'ham', 'spam'/);
    await expect(lab().evaluate({ model, adapter: toy.folder, data: other })).rejects.toMatchObject({
      code: 'ADAPTER_NOT_FOUND',
    });
  });

  test('a signal ends it after the step in progress, and the adapter is there', async () => {
    const controller = new AbortController();
    const output = path.join(toy.folder, 'interrupted');
    const run = await lab().train(
      { model, data: toy.train, output, training },
      { signal: controller.signal, onEvent: ({ type, step }) => type === 'step' && step === 3 && controller.abort() },
    );
    expect(run).toMatchObject({ interrupted: true, steps: 3 });
    expect((await readRun(output)).status).toBe('interrupted');
    await expect(lab().evaluate({ model, adapter: output, data: toy.test })).resolves.toMatchObject({ examples: 8 });
  });
});

describe('an experiment', () => {
  test('compares its arms over the same seeds', async () => {
    const seen: string[] = [];
    const watched = lab();
    watched.container.rebind(Services.tracker).toConstantValue({
      track: ({ arm, seed }, event) => {
        if (event.type === 'finished') seen.push(`${arm}/${seed}`);
      },
    });
    const report = await watched
      .experiment({
        model,
        data: { train: toy.train, test: toy.test },
        training: { ...training, steps: 6 },
        seeds: [0, 1],
        arms: {
          probe: { adapter: { method: 'lora', targetModules: [] } },
          lora: { adapter: { method: 'lora', rank: 2, alpha: 4 } },
          qlora: { base: 'nf4', adapter: { method: 'lora', rank: 2, alpha: 4 } },
          loran: { base: 'nf4', adapter: { method: 'loran', rank: 2, alpha: 4, activation: 'sinter' } },
        },
      })
      .run();
    expect(seen).toEqual(['probe/0', 'lora/0', 'qlora/0', 'loran/0', 'probe/1', 'lora/1', 'qlora/1', 'loran/1']);
    expect(report.arms.map(({ arm }) => arm)).toEqual(['probe', 'lora', 'qlora', 'loran']);

    const [probe, low, quantised] = report.arms;
    expect(probe?.runs[0]?.parameters.trainable).toBe(24 * 2 + 2);
    expect(low?.runs[0]?.parameters.trainable).toBe(24 * 2 + 2 + 2 * 2 * (2 * 24 + 2 * 24));
    expect(quantised?.runs[0]?.baseBytes).toBeLessThan(low?.runs[0]?.baseBytes ?? 0);
    const summary = low?.metrics.accuracy;
    expect(summary?.values).toHaveLength(2);
    expect(summary?.difference?.values).toEqual(
      summary?.values.map((value, i) => value - (probe?.metrics.accuracy?.values[i] ?? Number.NaN)),
    );
    expect(probe?.metrics.accuracy).not.toHaveProperty('difference');

    const lines = report.table().split('\n');
    expect(lines).toHaveLength(2 + 4);
    expect(lines[0]).toMatch(/^arm +accuracy +± seeds +Δ +macro-f1/);
    expect(JSON.stringify(report)).not.toContain('predictions');
  });

  test('LoRAN with the identity gives the numbers of weight-space LoRA', async () => {
    const options = { rank: 2, alpha: 4 };
    const report = await lab()
      .experiment({
        model,
        data: { train: toy.train, test: toy.test },
        training: { ...training, steps: 4 },
        arms: {
          lora: { adapter: { method: 'lora', form: 'weight-space', ...options } },
          loran: { adapter: { method: 'loran', activation: 'identity', ...options } },
        },
      })
      .run();
    const [a, b] = report.arms.map(({ runs }) => runs[0]);
    expect(b?.loss).toBe(a?.loss);
    expect(b?.predictions).toEqual(a?.predictions);
  });
});

describe('plugins named by module', () => {
  test('are found by what they are, under any exported name', async () => {
    const file = fileURLToPath(new URL('__fixtures__/snake.ts', import.meta.url));
    const [snake] = await loadPlugins(file);
    expect(snake).toMatchObject({ kind: 'activation', name: 'snake' });
  });

  test('a module without a plugin, and one that is not there, say so', async () => {
    await expect(loadPlugins('node:path')).rejects.toThrow(/'node:path' exports no plugin/);
    await expect(loadPlugins('./nowhere.js')).rejects.toMatchObject({ code: 'PLUGIN_NOT_LOADED' });
  });
});
