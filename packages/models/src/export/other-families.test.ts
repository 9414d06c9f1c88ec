/** Merged folders of encoders and of T5, which have modules and heads of other kinds than decoders. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AdapterSet } from '@loran/adapter';
import { openSafetensorsFolder } from '@loran/formats';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withTokenizer } from '../__fixtures__/decoders.js';
import { fromSource, relativeDifference, withOutput, withRandomAdapter } from '../__fixtures__/merged.js';
import { loadSequenceClassifier, loadSequenceToSequenceModel } from '../open-model.js';
import type { SequenceToSequenceModel } from '../sequence-to-sequence-model.js';
import { saveMergedModel } from './save-merged-model.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

const fixture = (name: string) => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));
const ids = () => tf.tensor2d([[3, 7, 21, 9, 4, 2]], undefined, 'int32');

const save = (folder: string, model: Parameters<typeof saveMergedModel>[1], adapters: AdapterSet, out: string) =>
  fromSource(folder, (source) => saveMergedModel(source, model, adapters, out));

async function tensorNames(folder: string): Promise<string[]> {
  const file = await openSafetensorsFolder(folder);
  await file.close();
  return [...file.tensors.keys()].sort();
}

test.each(['roberta', 'xlm-roberta', 'distilbert'])('%s with its classifier', (name) =>
  withTokenizer(fixture(join('encoders', name)), (folder) =>
    withOutput(async (out) => {
      const model = await loadSequenceClassifier(folder);
      const plain = model.logits({ ids: ids() });
      const adapters = await withRandomAdapter(model);
      expect(model.fingerprint).toMatch(/^sampled-sha256:/);
      await save(folder, model, adapters, out);
      expect(await tensorNames(out)).toEqual(await tensorNames(folder));
      const merged = await loadSequenceClassifier(out);
      const expected = model.logits({ ids: ids() });
      expect(await relativeDifference(merged.logits({ ids: ids() }), expected)).toBeLessThan(1e-5);
      expect(await relativeDifference(plain, expected)).toBeGreaterThan(1e-3);
    }),
  ),
);

function scores(model: SequenceToSequenceModel): tf.Tensor2D {
  return tf.tidy(() => model.scores(model.hidden({ ids: ids() }, model.encode({ ids: ids() }))));
}

test.each([
  ['t5', 'all-linear'],
  ['flan', ['shared', 'lm_head', 'q']],
] as const)('%s with %j', (name, targets) =>
  withTokenizer(fixture(join('t5', name)), (folder) =>
    withOutput(async (out) => {
      const model = await loadSequenceToSequenceModel(folder);
      const adapters = await withRandomAdapter(model, targets);
      expect(model.fingerprint).toMatch(/^sampled-sha256:/);
      await save(folder, model, adapters, out);
      expect(await tensorNames(out)).toEqual(await tensorNames(folder));
      const merged = await loadSequenceToSequenceModel(out);
      expect(await relativeDifference(scores(merged), scores(model))).toBeLessThan(1e-5);
    }),
  ),
);

test('a head of T5 that would have to be written beside its embedding is refused', () =>
  withTokenizer(fixture('t5/t5'), (folder) =>
    withOutput(async (out) => {
      const model = await loadSequenceToSequenceModel(folder);
      const adapters = await withRandomAdapter(model, ['shared']);
      await expect(save(folder, model, adapters, out)).rejects.toThrow(/T5 scales its scores/);
    }),
  ));
