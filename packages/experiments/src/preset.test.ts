/** Presets under a run's own settings; and a run whose activation stops being finite. */
import { rm } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation, sine, sinter } from '@loran/activations';
import { loran, loranPaper, loranPresets } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import { readRun } from '@loran/trainer';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cpuLab, model, type Toy, toyTask } from './__fixtures__/toy-task.js';
import { withPreset } from './preset.js';

let toy: Toy;
beforeAll(async () => {
  toy = await toyTask();
});
afterAll(() => rm(toy.folder, { recursive: true }));

const lab = () => cpuLab().use(loran, nf4, sinter, sine, ...loranPresets);

describe('a preset', () => {
  test('stands under what is given', () => {
    expect(withPreset(lab(), { preset: 'loran.paper' })).toEqual({
      preset: 'loran.paper',
      base: 'nf4',
      adapter: loranPaper.adapter,
    });
    const own = { preset: 'loran.paper', base: 'bf16', adapter: { rank: 8, targetModules: ['query'] } };
    expect(withPreset(lab(), own)).toMatchObject({
      base: 'bf16',
      adapter: { method: 'loran', rank: 8, alpha: 16, dropout: 0.2, targetModules: ['query'] },
    });
    expect(withPreset(lab(), { base: 'fp32' })).toEqual({ base: 'fp32' });
  });

  test('that nobody knows is named', async () => {
    expect(() => withPreset(lab(), { preset: 'loran.papr' })).toThrow(/Unknown preset 'loran\.papr'.*'loran\.paper'/);
    const arms = { paper: { preset: 'paper' } };
    const plan = () => lab().experiment({ model, data: toy.train, arms });
    expect(plan).toThrow(/Unknown preset 'paper'/);
  });

  test('is what a run trains: the published one over NF4, measured and merged', async () => {
    const output = path.join(toy.folder, 'paper');
    const run = await lab().train({
      ...{ model, data: { train: toy.train, testShare: 0 }, output, preset: 'loran.paper' },
      adapter: { rank: 2, targetModules: ['query', 'value'] },
      training: { steps: 2, batchSize: 8 },
    });
    expect(run.steps).toBe(2);
    const record = await readRun(output);
    expect(record.configuration).toMatchObject({
      preset: 'loran.paper',
      base: 'nf4',
      adapter: { rank: 2, alpha: 16, activation: { name: 'sinter', frequency: 1e4 } },
    });
    const merged = await lab().export({ model, adapters: [output], output: path.join(toy.folder, 'merged') });
    expect(merged.format).toBe('hf');
  });

  test('of an arm', () => {
    const { plan } = lab().experiment({
      ...{ model, data: toy.train },
      arms: { sine: { preset: 'loran.sine-lora', adapter: { rank: 2 } }, plain: { adapter: { method: 'loran' } } },
    });
    expect(plan.arms.sine).toMatchObject({ base: 'fp32', adapter: { rank: 2, scaling: 'rank-and-width' } });
    expect(plan.arms.plain).toEqual({ base: 'fp32', adapter: { method: 'loran' } });
  });
});

test('an activation that stops being finite ends the run at its step, named with its layer', async () => {
  const cliff = defineActivation({
    name: 'cliff', // z, but NaN for |z| > 1e-3
    apply: (z) => tf.add(z, tf.mul(tf.log(tf.sub(1, tf.mul(1e6, tf.square(z)))), 0)),
  });
  const output = path.join(toy.folder, 'cliff');
  const training = { steps: 40, batchSize: 8, learningRate: 0.05, warmupSteps: 1 };
  const running = lab()
    .use(cliff)
    .train({
      ...{ model, data: { train: toy.train, testShare: 0 }, output, training },
      adapter: { method: 'loran', rank: 2, activation: 'cliff', targetModules: ['query', 'value'] },
    });
  await expect(running).rejects.toMatchObject({ code: 'NON_FINITE_LOSS' });
  await expect(running).rejects.toThrow(
    /Found: the activation 'cliff' of '\S*(query|value)' gives NaN or infinite values for arguments from -0\.\d+ to 0\.\d+/,
  );
});
