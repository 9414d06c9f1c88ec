import * as tf from '@tensorflow/tfjs-core';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdapterSet, loadAdapter, saveAdapter } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { openSafetensors } from '@loran/formats';
import { lora } from '@loran/lora';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decoderNames,
  decoderPath,
  goldenAdapted,
  goldenDecoder,
  paddedBatch,
  tokenRows,
  withDecoderFolder,
} from '../__fixtures__/decoders.js';
import { difference } from '../__fixtures__/golden.js';
import { loadLanguageModel } from '../open-model.js';

beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
afterAll(closeEngine);

describe.each(decoderNames.filter((name) => goldenAdapted(name) !== undefined))(
  '%s with an adapter by PEFT',
  (name) => {
    test('has the logits that PEFT has, and merged the same', async () => {
      const model = await withDecoderFolder(name, (folder) => loadLanguageModel(folder));
      const set = new AdapterSet(model);
      const adapter = await loadAdapter(set, join(decoderPath(name), 'adapter'), { methods: [lora] });
      expect([adapter.targetModules].flat().sort()).toEqual(model.targetModules); // PEFT's own choice for the family
      const { texts } = goldenDecoder(name);
      const expected = goldenAdapted(name)!;
      const last = () =>
        tf.tidy(() => {
          const rows = tokenRows(model.scores(model.hidden(paddedBatch(texts, 'right'))), texts, 'right');
          return tf.slice(rows, rows.shape[0] - expected.length);
        });
      const scale = Math.max(1, ...expected.flat().map(Math.abs));
      expect(await difference(last(), expected)).toBeLessThan(1e-5 * scale);
      await set.merge();
      expect(await difference(last(), expected)).toBeLessThan(1e-5 * scale);
      set.unmerge();
      set.remove('default');
      model.dispose();
    });
  },
);

test.each([
  ['gpt2', ['c_attn'], true],
  ['gpt2', ['c_attn', 'wte'], true],
  ['gpt2-scaled', ['c_attn', 'lm_head'], false], // PEFT then finds out layer by layer
  ['falcon', ['query_key_value'], false],
] as const)('an adapter saved from %s on %j has fan_in_fan_out %s', async (name, targetModules, expected) => {
  const model = await withDecoderFolder(name, (folder) => loadLanguageModel(folder));
  const set = new AdapterSet(model);
  const adapter = await set.add({ method: lora, config: { rank: 2 }, targetModules });
  const folder = mkdtempSync(join(tmpdir(), 'loran-conv1d-'));
  await saveAdapter(adapter, folder);
  const fields = JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  expect(fields['fan_in_fan_out']).toBe(expected);
  rmSync(folder, { recursive: true });
  set.remove('default');
  model.dispose();
});

test('a tied head is counted once: all parameters are those of the file', async () => {
  const model = await withDecoderFolder('llama3', (folder) => loadLanguageModel(folder));
  const file = await openSafetensors(join(decoderPath('llama3'), 'model.safetensors'));
  const stored = [...file.tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((all, n) => all * n, 1), 0);
  await file.close();
  expect(new AdapterSet(model).count()).toEqual({ trainable: 0, all: stored });
  model.dispose();
});
