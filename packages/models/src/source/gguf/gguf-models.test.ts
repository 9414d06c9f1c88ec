import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { difference } from '../../__fixtures__/golden.js';
import { loadLanguageModel } from '../../open-model.js';
import { openModel } from '../open-source.js';

const folder = fileURLToPath(new URL('../../__fixtures__/gguf', import.meta.url));

/** Made by tools/parity/gguf_models.py. */
const golden = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8')) as {
  readonly ids: number[];
  readonly logits: Readonly<Record<string, number[][]>>;
};

const file = (name: string): string => join(folder, `${name}.gguf`);

describe('GGUF files as llama.cpp writes them', () => {
  beforeAll(() => openEngine(portableEngine('cpu')));
  afterAll(closeEngine);

  test.each(Object.entries(golden.logits))('%s gives the scores of transformers', async (name, logits) => {
    const model = await loadLanguageModel(file(name));
    const scores = tf.tidy(() => model.scores(model.hidden({ ids: tf.tensor2d([golden.ids], undefined, 'int32') })));
    const scale = Math.max(1, ...logits.flat().map(Math.abs));
    expect(await difference(scores, logits)).toBeLessThan(1e-5 * scale);
    expect(model.warnings).toEqual([]);
    expect(model.endIds).toEqual([2]);
    scores.dispose();
    model.dispose();
  });
});

describe('the configuration of a GGUF file', () => {
  test("finds Llama 3's stretching from the divisors of its frequencies", async () => {
    const { config, weights } = await openModel(file('llama3'));
    await weights.close();
    expect(config['rope_scaling']).toEqual({
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 64,
    });
    expect(config).toMatchObject({ head_dim: 32, attention_bias: true, mlp_bias: true, tie_word_embeddings: true });
    expect([...weights.tensors.keys()]).not.toContain('rope_freqs.weight');
  });

  test('moves rows of stored bytes as it moves those of values', async () => {
    const { weights } = await openModel(file('llama'));
    const name = 'model.layers.0.self_attn.q_proj.weight';
    const { data, dtype } = await weights.read(name);
    const values: number[] = [];
    for await (const run of weights.values(name)) values.push(...run);
    await weights.close();
    expect(dtype).toBe('F32');
    expect([...new Float32Array(data.slice().buffer)]).toEqual(values);
  });

  test('undoes what was added to a norm, and turns a Conv1D back, in bytes too', async () => {
    for (const [model, name, shape] of [
      ['gemma2', 'model.norm.weight', [16]],
      ['gpt2', 'transformer.h.0.mlp.c_fc.weight', [16, 64]],
    ] as const) {
      const { weights } = await openModel(file(model));
      const { data } = await weights.read(name);
      const values: number[] = [];
      for await (const run of weights.values(name)) values.push(...run);
      await weights.close();
      expect(weights.tensors.get(name)).toEqual({ dtype: 'F32', shape, byteLength: 4 * values.length });
      expect([...new Float32Array(data.slice().buffer)]).toEqual(values);
    }
  });
});
