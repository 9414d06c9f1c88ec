/**
 * Trains LoRA adapters and has Python's PEFT load them and compute the same numbers: logits of a classifier with CLS and
 * pooler, hidden states under mean pooling. peft-families.ts does so for the other families.
 *
 *   npx tsx --conditions=@loran/source tools/parity/peft-roundtrip.ts [MODEL] [--python python3]
 *
 * MODEL is a BERT folder; default the tiny random one of @loran/models. Prints PEFT's largest difference for each, and exits
 * with 1 when one is above 1e-4 of the values' scale.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { AdapterSet, loadAdapter } from '@loran/adapter';
import { padBatch } from '@loran/datasets';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { createLab } from '@loran/experiments';
import { lora } from '@loran/lora';
import { loadSequenceClassifier, type Pooling } from '@loran/models';
import { closeEngine, openEngine } from '@loran/tensor';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { python: { type: 'string', default: 'python3' } },
});
const model = path.resolve(positionals[0] ?? path.join(here, '../../packages/models/src/__fixtures__/tiny-bert'));
const texts = ['the cat sat on the mat.', 'a good adapter, of low rank', 'bad!', 'the new mat is good; the cat is not'];

const folder = await mkdtemp(path.join(tmpdir(), 'loran-peft-'));
try {
  const data = path.join(folder, 'train.jsonl');
  const rows = Array.from({ length: 32 }, (_, i) => ({
    text: texts[i % texts.length],
    label: String(i % texts.length),
  }));
  await writeFile(data, rows.map((row) => JSON.stringify(row)).join('\n'));
  for (const pooling of ['cls', 'mean'] as const) {
    const adapter = path.join(folder, pooling);
    await createLab()
      .use(lora)
      .train({
        model,
        data: { train: data, testShare: 0 },
        pooling,
        adapter: { method: 'lora', rank: 4, alpha: 8 },
        training: { steps: 20, batchSize: 8, learningRate: 1e-2, warmupSteps: 0 },
        output: adapter,
      });
    const expected = path.join(folder, `${pooling}.json`);
    await writeFile(expected, JSON.stringify(await computed(adapter, pooling)));
    const script = path.join(here, 'peft_loads.py');
    const { status } = spawnSync(values.python, [script, model, adapter, expected], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true });
}

/** What loran computes with the adapter, loaded anew from its folder. */
async function computed(adapter: string, pooling: Pooling): Promise<Record<string, unknown>> {
  await openEngine(onnxruntime, { device: 'cpu' });
  const labels = texts.map((_, i) => String(i));
  const classifier = await loadSequenceClassifier(model, { labels, head: pooling, freshClassifier: true });
  const adapters = new AdapterSet(classifier);
  await loadAdapter(adapters, adapter, { methods: [lora] });
  const { ids, mask, shape } = padBatch(classifier.tokenizer.encode(texts), { padId: classifier.tokenizer.padId });
  const result = tf.tidy(() => {
    const batch = { ids: tf.tensor2d(ids, [...shape], 'int32'), mask: tf.tensor2d(mask, [...shape], 'int32') };
    return pooling === 'cls' ? classifier.logits(batch) : (classifier.hiddenStates(batch).at(-1) as tf.Tensor3D);
  });
  const numbers = (await (result as tf.Tensor).array()) as unknown;
  const rows = (flat: Int32Array) =>
    Array.from({ length: shape[0] }, (_, i) => [...flat.slice(i * shape[1], (i + 1) * shape[1])]);
  await closeEngine();
  const compared = pooling === 'cls' ? 'logits' : 'hidden';
  return { model: 'bert', compared, ids: rows(ids), mask: rows(mask), values: numbers };
}
