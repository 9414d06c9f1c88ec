/** A whole training against PEFT's, update by update: model, LoRA, loss, accumulation, clipping, schedule, AdamW. */
import '@tensorflow/tfjs-backend-cpu';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AdapterMethod, adapterParameters, AdapterSet, loadAdapter, saveAdapter } from '@loran/adapter';
import { openSafetensors, toFloat32 } from '@loran/formats';
import { lora } from '@loran/lora';
import { loadSequenceClassifier } from '@loran/models';
import { openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { classificationTask } from './classification/classification-task.js';
import { adamW } from './optimizer/adamw.js';
import { linearSchedule } from './schedule.js';
import { train } from './train.js';
import type { StepEvent } from './training-event.js';

interface Golden {
  readonly settings: Readonly<
    Record<'learningRate' | 'warmupSteps' | 'weightDecay' | 'maxGradientNorm' | 'updates', number>
  >;
  readonly steps: readonly {
    readonly batches: readonly { ids: number[][]; mask: number[][]; labels: number[] }[];
    readonly loss: number;
    readonly gradientNorm: number;
    readonly learningRate: number;
  }[];
}

const fixture = fileURLToPath(new URL('__fixtures__/peft-training', import.meta.url));
const tinyBert = fileURLToPath(new URL('../../models/src/__fixtures__/tiny-bert', import.meta.url));
let folder: string;
beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
  folder = await fs.mkdtemp(path.join(tmpdir(), 'loran-peft-training-'));
});
afterAll(() => fs.rm(folder, { recursive: true }));

test("losses, gradient norms and the adapter at the end are PEFT's", async () => {
  const { settings, steps } = JSON.parse(await fs.readFile(path.join(fixture, 'steps.json'), 'utf8')) as Golden;
  const classifier = await loadSequenceClassifier(await withoutDropout(), { head: 'cls' });
  const set = new AdapterSet(classifier);
  const adapter = await loadAdapter(set, path.join(fixture, 'start'), { methods: [lora as AdapterMethod] });
  const parameters = adapterParameters(adapter);
  const shape = classificationTask({ classifier, parameters, examples: [{ ids: [2, 3], label: 0 }] });
  const batches = steps.flatMap((step) =>
    step.batches.map(({ ids, mask, labels }) => ({
      indices: labels.map((_, i) => i),
      labels: Int32Array.from(labels),
      ids: Int32Array.from(ids.flat()),
      mask: Int32Array.from(mask.flat()),
      shape: [ids.length, ids[0]!.length] as const,
      tokens: mask.flat().reduce((sum, one) => sum + one, 0),
    })),
  );

  const events: StepEvent[] = [];
  for await (const event of train({
    task: { ...shape, batches: () => batches, batchCount: batches.length },
    learningRate: settings.learningRate,
    optimizer: adamW({ weightDecay: settings.weightDecay }),
    schedule: linearSchedule({ warmupSteps: settings.warmupSteps }),
    accumulate: 2,
    maxGradientNorm: settings.maxGradientNorm,
    epochs: 1,
  })) {
    if (event.type === 'step') events.push(event);
  }

  expect(events).toHaveLength(settings.updates);
  steps.forEach(({ loss, gradientNorm, learningRate }, i) => {
    expect(events[i]!.learningRate).toBeCloseTo(learningRate, 12);
    expect(Math.abs(events[i]!.loss - loss)).toBeLessThan(5e-6);
    expect(Math.abs(events[i]!.gradientNorm / gradientNorm - 1)).toBeLessThan(1e-5);
  });
  await saveAdapter(adapter, folder, { taskType: 'SEQ_CLS' });
  expect(await difference(path.join(fixture, 'start'), path.join(fixture, 'end'))).toBeGreaterThan(0.02);
  expect(await difference(folder, path.join(fixture, 'end'))).toBeLessThan(1e-5);
  classifier.dispose();
});

/** The tiny BERT with the dropout of its configuration set to 0. */
async function withoutDropout(): Promise<string> {
  const model = path.join(folder, 'model');
  await fs.cp(tinyBert, model, { recursive: true });
  const file = path.join(model, 'config.json');
  const config = JSON.parse(await fs.readFile(file, 'utf8')) as object;
  await fs.writeFile(file, JSON.stringify({ ...config, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 }));
  return model;
}

/** Largest difference between the tensors of two adapter folders, which have the same names. */
async function difference(one: string, other: string): Promise<number> {
  const [a, b] = await Promise.all(
    [one, other].map((place) => openSafetensors(path.join(place, 'adapter_model.safetensors'))),
  );
  expect([...a!.tensors.keys()].sort()).toEqual([...b!.tensors.keys()].sort());
  let largest = 0;
  for (const name of a!.tensors.keys()) {
    const [x, y] = [await a!.read(name), await b!.read(name)].map(({ data }) => toFloat32(data, 'F32'));
    x!.forEach((value, i) => (largest = Math.max(largest, Math.abs(value - y![i]!))));
  }
  await Promise.all([a!.close(), b!.close()]);
  return largest;
}
