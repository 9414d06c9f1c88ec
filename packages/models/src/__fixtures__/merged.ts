/** Writing models with adapters, and comparing what they compute. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Adaptable, adapterParameters, AdapterSet, type TargetModules } from '@loran/adapter';
import { lora } from '@loran/lora';
import { randomStream } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { LanguageModel } from '../language-model.js';
import type { ModelSource } from '../model-family.js';
import { openModel } from '../source/open-source.js';

/** A folder for as long as `use` runs; `out` inside it does not exist yet. */
export async function withOutput<T>(use: (out: string, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'loran-export-'));
  try {
    return await use(join(folder, 'out'), folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An adapter whose every value is random, so that it changes what the model computes. */
export async function withRandomAdapter(
  model: Adaptable,
  targetModules: TargetModules = 'all-linear',
  config: object = { rank: 2, alpha: 4 },
  name = 'default',
): Promise<AdapterSet> {
  const adapters = new AdapterSet(model);
  await addRandomAdapter(adapters, targetModules, config, name);
  return adapters;
}

export async function addRandomAdapter(
  adapters: AdapterSet,
  targetModules: TargetModules,
  config: object,
  name: string,
): Promise<void> {
  const adapter = await adapters.add({ method: lora, config, targetModules, name });
  for (const [key, parameter] of adapterParameters(adapter)) {
    const values = randomStream(7).derive(key).normal(parameter.shape, 0, 0.2);
    parameter.assign(values);
    values.dispose();
  }
}

export const exampleIds = [[1, 17, 5, 60, 33, 8, 91, 40, 22, 13, 77]];

export function scoresOf(model: LanguageModel, ids: number[][] = exampleIds): Tensor2D {
  return tf.tidy(() => model.scores(model.hidden({ ids: tf.tensor2d(ids, undefined, 'int32') })));
}

/** The largest difference, relative to the scale of what is expected. */
export async function relativeDifference(actual: tf.Tensor, expected: tf.Tensor): Promise<number> {
  const [a, b] = [await actual.data(), await expected.data()];
  const scale = Math.max(1, ...b.map(Math.abs));
  return Math.max(...Array.from(b, (value, i) => Math.abs(value - a[i]!))) / scale;
}

/** Writes what `save` writes of a model that was loaded from `folder`. */
export async function fromSource<T>(folder: string, save: (source: ModelSource) => Promise<T>): Promise<T> {
  const source = await openModel(folder);
  try {
    return await save(source);
  } finally {
    await source.weights.close();
  }
}
