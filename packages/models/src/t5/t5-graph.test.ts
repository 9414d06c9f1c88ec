/** T5 as two ONNX files computes in ONNX Runtime what transformers does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { padded, withTokenizer } from '../__fixtures__/decoders.js';
import { difference } from '../__fixtures__/golden.js';
import { fromSource, withOutput } from '../__fixtures__/merged.js';
import { int64, OnnxModel } from '../__fixtures__/onnx.js';
import { saveOnnx } from '../export/onnx/save-onnx.js';
import { loadSequenceToSequenceModel } from '../open-model.js';

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

type Rows = number[][];

interface Golden {
  readonly texts: Rows;
  readonly labels: Rows;
  readonly right: { readonly logits: Rows };
  readonly left: { readonly logits: Rows };
  readonly greedy: Rows;
}

const root = fileURLToPath(new URL('../__fixtures__/t5', import.meta.url));
const ones = (rows: Rows) => rows.map((row) => row.map(() => 1));

describe.each(['t5', 'flan'])('%s', (name) => {
  const golden = JSON.parse(readFileSync(join(root, name, 'golden.json'), 'utf8')) as Golden;

  test('padded on either side, and token by token', () =>
    withTokenizer(join(root, name), (folder) =>
      withOutput(async (out) => {
        const model = await loadSequenceToSequenceModel(folder);
        await fromSource(folder, (source) => saveOnnx(source, model, undefined, out));
        const encoder = await OnnxModel.open(join(out, 'onnx/encoder_model.onnx'));
        const decoder = await OnnxModel.open(join(out, 'onnx/decoder_model_merged.onnx'));
        const { shape } = model.newCache(1, 1);
        const keys = [shape.heads, shape.keyWidth] as const;
        const encode = async (side: 'left' | 'right') => {
          const mask = int64(padded(ones(golden.texts), side, 0));
          const inputs = { input_ids: int64(padded(golden.texts, side, 0)), attention_mask: mask };
          const { last_hidden_state: states } = await encoder.run(inputs);
          return { encoder_hidden_states: states!, encoder_attention_mask: mask };
        };

        const labels = padded(golden.labels, 'right', -100);
        const given = labels.map((row) => [model.startId, ...row.slice(0, -1).map((id) => Math.max(0, id))]);
        const supervised = labels.flat().flatMap((label, i) => (label === -100 ? [] : [i]));
        for (const side of ['left', 'right'] as const) {
          const { logits } = await decoder.run({ ...(await encode(side)), input_ids: int64(given) }, keys);
          const flat = tf.tensor(logits!.data as Float32Array, [given.flat().length, logits!.dims[2]!]) as Tensor2D;
          const scores = tf.gather(flat, tf.tensor1d(supervised, 'int32'));
          const expected = golden[side].logits;
          const scale = Math.max(1, ...expected.flat().map(Math.abs));
          expect(await difference(scores, expected), side).toBeLessThan(1e-5 * scale);
        }

        const encoded = await encode('left');
        let next = golden.texts.map(() => model.startId);
        let past = {};
        const written: Rows = golden.texts.map(() => []);
        while (written[0]!.length < golden.greedy[0]!.length) {
          const outputs = await decoder.run({ ...encoded, input_ids: int64(next.map((id) => [id])), ...past }, keys);
          const { data, dims } = outputs['logits']!;
          next = golden.texts.map((_, row) => {
            const scores = (data as Float32Array).subarray(row * dims[2]!, (row + 1) * dims[2]!);
            return scores.indexOf(Math.max(...scores));
          });
          next.forEach((id, row) => written[row]!.push(id));
          const present = Object.entries(outputs).filter(([output]) => output.startsWith('present.'));
          past = Object.fromEntries(present.map(([key, value]) => [key.replace('present', 'past_key_values'), value]));
        }
        expect(written).toEqual(golden.greedy);
        await expect(
          fromSource(folder, (source) => saveOnnx(source, model, undefined, `${out}-2`, { adapterInputs: ['q'] })),
        ).rejects.toMatchObject({
          code: 'NOT_EXPORTABLE',
          message: expect.stringContaining('encoder_model') as string,
        });
        await Promise.all([encoder.close(), decoder.close()]);
        model.dispose();
      }),
    ));
});
