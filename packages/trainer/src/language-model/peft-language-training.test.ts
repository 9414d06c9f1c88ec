/** Twenty updates of LoRA on a tiny Llama against PEFT's: masked prompts, padding, the loss of supervised tokens alone. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AdapterMethod, adapterParameters, AdapterSet, loadAdapter } from '@loran/adapter';
import { lora } from '@loran/lora';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterEach, expect, test } from 'vitest';
import { tinyLlama } from '../__fixtures__/tiny-models.js';
import { adamW } from '../optimizer/adamw.js';
import { train } from '../train.js';
import { languageModelTask } from './language-model-task.js';
import { textBatches } from './text-batch.js';

interface Golden {
  readonly settings: Readonly<Record<'learningRate' | 'weightDecay' | 'updates', number>>;
  readonly steps: readonly { readonly texts: number[][]; readonly prompts: number[]; readonly loss: number }[];
}

const fixture = fileURLToPath(new URL('../__fixtures__/peft-language-training', import.meta.url));
afterEach(closeEngine);

test("losses are PEFT's", async () => {
  await openEngine(onnxruntime, { device: 'cpu' });
  const { settings, steps } = JSON.parse(fs.readFileSync(path.join(fixture, 'steps.json'), 'utf8')) as Golden;
  const model = await tinyLlama();
  const set = new AdapterSet(model);
  const adapter = await loadAdapter(set, path.join(fixture, 'start'), { methods: [lora as AdapterMethod] });
  const encoded = steps.map(({ texts, prompts }) =>
    texts.map((ids, row) => ({ ids, supervised: ids.map((_, i) => i >= prompts[row]!), cut: 0 })),
  );
  const task = languageModelTask({
    model,
    parameters: adapterParameters(adapter),
    examples: encoded.flat(),
    batchSize: 5,
  });
  const batches = encoded.map((texts) => {
    const [batch, ...more] = textBatches(texts, 0, { batchSize: 5, seed: 0, bucketWidth: 4 });
    expect(more).toEqual([]);
    return batch!;
  });

  const losses: number[] = [];
  for await (const event of train({
    task: { ...task, batches: () => batches, batchCount: batches.length },
    learningRate: settings.learningRate,
    optimizer: adamW({ weightDecay: settings.weightDecay }),
    epochs: 1,
  })) {
    if (event.type === 'step') losses.push(event.loss);
  }
  expect(losses).toHaveLength(settings.updates);
  losses.forEach((loss, i) => {
    expect(Math.abs(loss - steps[i]!.loss), `step ${i}`).toBeLessThan(1e-4);
  });
  model.dispose();
});
