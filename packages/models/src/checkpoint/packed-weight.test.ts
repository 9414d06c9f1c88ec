import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BaseStorage, bf16 } from '@loran/adapter';
import { openSafetensorsFolder, type TensorBytes, writeSafetensors } from '@loran/formats';
import { createNf4, fp4, nf4 } from '@loran/qlora';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nextTokenLoss, withTokenizer } from '../__fixtures__/decoders.js';
import { withOutput, withRandomAdapter, relativeDifference, scoresOf } from '../__fixtures__/merged.js';
import { saveMergedModel } from '../export/save-merged-model.js';
import { loadLanguageModel } from '../open-model.js';
import { openModel } from '../source/open-source.js';

// made by tools/parity/bnb_checkpoint.py
const root = fileURLToPath(new URL('../__fixtures__/bnb', import.meta.url));
const cases = [
  { name: 'llama', storage: nf4, packed: 7 },
  { name: 'llama-single', storage: nf4, packed: 7 },
  { name: 'llama-fp4', storage: fp4, packed: 7 },
  { name: 'gpt2', storage: nf4, packed: 4 },
];

const golden = (name: string) =>
  JSON.parse(readFileSync(join(root, name, 'golden.json'), 'utf8')) as {
    ids: number[][];
    loss: number;
    logits: number[][][];
  };
const inFolder = <T>(name: string, use: (folder: string) => Promise<T>) => withTokenizer(join(root, name), use);

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

describe.each(cases)('$name as transformers saves it over bitsandbytes', ({ name, storage: packedIn, packed }) => {
  test('it is restored bit for bit, and computes the same', () =>
    inFolder(name, async (folder) => {
      const model = await loadLanguageModel(folder, { base: packedIn });
      expect(model.warnings).toEqual([]);
      const file = await openSafetensorsFolder(folder);
      const frozen = [...model.modules()].filter(([, slot]) => slot.frozen.storage === packedIn.name);
      expect(frozen).toHaveLength(packed);
      for (const [path, slot] of frozen) {
        for (const [part, { data }] of await slot.frozen.parts()) {
          expect(data, `${path}.${part}`).toEqual((await file.read(`${path}.${part}`)).data);
        }
      }
      await file.close();

      const { ids, logits, loss } = golden(name);
      const expected = tf.tensor2d(logits.flat());
      const scores = model.scores(model.hidden({ ids: tf.tensor2d(ids, undefined, 'int32') }));
      expect(await relativeDifference(scores, expected)).toBeLessThan(1e-5);
      expect(Math.abs(nextTokenLoss(scores, ids, 'right').dataSync()[0]! - loss)).toBeLessThan(1e-5);
      model.dispose();
    }));

  test('a base storage that cannot restore it is refused, with one that can', () =>
    inFolder(name, async (folder) => {
      for (const base of [undefined, bf16]) {
        const loading = loadLanguageModel(folder, base === undefined ? {} : { base });
        await expect(loading).rejects.toMatchObject({ code: 'WEIGHT_SHAPES' });
        await expect(loading).rejects.toThrow(
          /\d weights are packed by bitsandbytes as [nf][fp]4 \(.+packedBy: \[nf4, fp4\]/,
        );
      }
    }));

  test('what is packed stays so over any base, where its storage is at hand', () =>
    inFolder(name, async (folder) => {
      const expected = await loadLanguageModel(folder, { base: packedIn });
      for (const base of [undefined, bf16]) {
        const model = await loadLanguageModel(folder, {
          packedBy: [nf4, fp4],
          ...(base === undefined ? {} : { base }),
        });
        const storages = [...model.modules().values()].map(({ frozen }) => frozen.storage);
        expect(storages.filter((storage) => storage === packedIn.name)).toHaveLength(packed);
        expect(await relativeDifference(scoresOf(model), scoresOf(expected))).toBe(0);
        model.dispose();
      }
    }));

  test('merged with an adapter, it is written unpacked', () =>
    inFolder(name, (folder) =>
      withOutput(async (out) => {
        const model = await loadLanguageModel(folder, { base: packedIn });
        const adapters = await withRandomAdapter(model);
        const expected = scoresOf(model);
        const source = await openModel(folder);
        await saveMergedModel(source, model, adapters, out);
        await source.weights.close();
        const merged = await loadLanguageModel(out);
        expect(await relativeDifference(scoresOf(merged), expected)).toBeLessThan(1e-5); // in F32, as the embeddings are
      }),
    ));
});

describe('a packed checkpoint that is', () => {
  /** The tiny Llama with its tensors changed. */
  const changed = (change: (tensors: Map<string, TensorBytes>) => unknown, use: (folder: string) => Promise<void>) =>
    inFolder('llama', async (folder) => {
      const file = await openSafetensorsFolder(folder);
      const tensors = new Map<string, TensorBytes>();
      for (const name of file.tensors.keys()) tensors.set(name, (await file.read(name)) as TensorBytes);
      await file.close();
      await change(tensors);
      await writeSafetensors(join(folder, 'model.safetensors'), tensors);
      await use(folder);
    });
  const q = 'model.layers.0.self_attn.q_proj.weight';
  const load = (folder: string, base: BaseStorage = nf4) => loadLanguageModel(folder, { base });

  test('in another type than the base storage is refused, with what restores it', () =>
    inFolder('llama-fp4', (folder) =>
      expect(load(folder)).rejects.toThrow(/7 weights are packed by bitsandbytes as fp4 \(.+packedBy: \[nf4, fp4\]/),
    ));

  test('of two types is loaded by both', () =>
    changed(
      async (tensors) => {
        for (const name of [...tensors.keys()]) if (name.startsWith(q)) tensors.delete(name);
        const other = await openSafetensorsFolder(join(root, 'llama-fp4'));
        for (const name of other.tensors.keys()) {
          if (name.startsWith(q)) tensors.set(name, (await other.read(name)) as TensorBytes);
        }
        await other.close();
      },
      async (folder) => {
        const model = await loadLanguageModel(folder, { packedBy: [nf4, fp4] });
        const storages = [...model.modules().values()].map(({ frozen }) => frozen.storage);
        expect(storages.filter((storage) => storage === 'fp4')).toHaveLength(1);
        expect(storages.filter((storage) => storage === 'nf4')).toHaveLength(6);
      },
    ));

  test('without a part says which', () =>
    changed(
      (tensors) => tensors.delete(`${q}.quant_map`),
      (folder) => expect(load(folder)).rejects.toThrow(/q_proj: .+weight\.quant_map/),
    ));

  test('cut short says what is', () =>
    changed(
      (tensors) => tensors.set(q, { dtype: 'U8', shape: [100, 1], data: new Uint8Array(100) }),
      (folder) => expect(load(folder)).rejects.toMatchObject({ code: 'PART_INVALID' }),
    ));

  test('of another size than its config.json is refused', () =>
    changed(
      (tensors) => {
        for (const [name, bytes] of [...tensors]) {
          if (name.startsWith(q)) tensors.set(name, tensors.get(name.replace('q_proj', 'k_proj')) ?? bytes);
        }
      },
      (folder) => expect(load(folder)).rejects.toThrow(/q_proj\.weight is packed from \[32, 64\], expected \[64, 64\]/),
    ));

  test('a mix of packed and plain layers is loaded, the plain ones quantised', () =>
    inFolder('llama', async (folder) => {
      const model = await load(folder);
      const weight = model.modules().get('model.layers.0.self_attn.q_proj')!.frozen.weight();
      const data = new Uint8Array(Float32Array.from(await weight.data<'float32'>()).buffer);
      await changed(
        (tensors) => {
          for (const name of [...tensors.keys()]) if (name.startsWith(q)) tensors.delete(name);
          tensors.set(q, { dtype: 'F32', shape: [64, 64], data });
        },
        async (mixed) => {
          const other = await load(mixed, createNf4({ doubleQuantisation: false })); // of its own values without loss
          expect(await relativeDifference(scoresOf(other), scoresOf(model))).toBeLessThan(1e-5);
          expect(other.warnings).toEqual([]);
          expect(other.fingerprint).toBe(model.checkpoint.fingerprint);
        },
      );
    }));
});
