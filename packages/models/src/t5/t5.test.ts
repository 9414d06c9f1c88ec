import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AdapterSet, loadAdapter } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { lora } from '@loran/lora';
import { closeEngine, openEngine, randomStream } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { padded, paddedBatch, withTokenizer } from '../__fixtures__/decoders.js';
import { difference } from '../__fixtures__/golden.js';
import { loadSequenceToSequenceModel } from '../open-model.js';
import type { SequenceToSequenceModel } from '../sequence-to-sequence-model.js';
import { relativeBucket } from './relative-position.js';

type Rows = number[][];

interface GoldenT5 {
  readonly texts: Rows;
  readonly labels: Rows;
  /** Logits where there is a label, the encoder's texts padded on that side. */
  readonly right: { readonly logits: Rows; readonly loss: number };
  readonly left: { readonly logits: Rows; readonly loss: number };
  readonly gradients: Readonly<Record<string, Rows>>;
  /** The first two states of the first text. */
  readonly encoded: Rows;
  readonly greedy: Rows;
}

const root = fileURLToPath(new URL('../__fixtures__/t5', import.meta.url));
const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(root, ...path), 'utf8'));
const golden = (name: string) => read(name, 'golden.json') as GoldenT5;
const load = (name: string) => withTokenizer(join(root, name), (folder) => loadSequenceToSequenceModel(folder));
const scale = (rows: Rows) => Math.max(1, ...rows.flat().map(Math.abs));

/** What the decoder reads for these labels: the start, then each label but the last. */
function decoderInputs(labels: Rows, start: number): Tensor2D {
  const rows = padded(labels, 'right', 0).map((row) => [start, ...row.slice(0, -1).map((id) => (id < 0 ? 0 : id))]);
  return tf.tensor2d(rows, undefined, 'int32');
}

/** Hidden states and targets where there is a label. */
function supervised(model: SequenceToSequenceModel, { texts, labels }: GoldenT5, side: 'left' | 'right') {
  const all = padded(labels, 'right', -100).flat();
  const rows = all.flatMap((label, i) => (label === -100 ? [] : [i]));
  const encoded = model.encode(paddedBatch(texts, side));
  const hidden = model.hidden({ ids: decoderInputs(labels, model.startId) }, encoded);
  const targets = tf.tensor1d(
    rows.map((row) => all[row]!),
    'int32',
  );
  return { hidden: tf.gather(hidden, tf.tensor1d(rows, 'int32')), targets };
}

const meanLoss = (model: SequenceToSequenceModel, golden: GoldenT5, side: 'left' | 'right'): tf.Scalar => {
  const { hidden, targets } = supervised(model, golden, side);
  return tf.mean(model.losses(hidden, targets));
};

beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
afterAll(closeEngine);

test('buckets of relative positions are those of transformers', () => {
  interface Buckets {
    readonly buckets: number;
    readonly maxDistance: number;
    readonly bidirectional: boolean;
    readonly first: number;
    readonly values: number[];
  }
  for (const { first, values, ...options } of read('buckets.json') as Buckets[]) {
    expect(values.map((_, i) => relativeBucket(first + i, options))).toEqual(values);
  }
});

describe.each(['t5', 'flan'])('%s', (name) => {
  const expected = golden(name);
  let model: SequenceToSequenceModel;
  beforeAll(async () => {
    model = await load(name);
  });
  afterAll(() => model.dispose());

  test.each(['right', 'left'] as const)('padded on the %s, scores and loss are those of transformers', async (side) => {
    const { logits, loss } = expected[side];
    const scores = tf.tidy(() => model.scores(supervised(model, expected, side).hidden));
    expect(await difference(scores, logits)).toBeLessThan(1e-5 * scale(logits));
    expect(
      await difference(
        tf.tidy(() => meanLoss(model, expected, side)),
        [loss],
      ),
    ).toBeLessThan(1e-5);
    expect([model.warnings, model.endIds, model.startId]).toEqual([[], [2], 0]);
  });

  test('a text alone needs no mask', async () => {
    const { states } = model.encode({ ids: tf.tensor2d([expected.texts[0]!], undefined, 'int32') });
    expect(await difference(tf.slice(states, 0, 2), expected.encoded)).toBeLessThan(1e-5 * scale(expected.encoded));
  });

  test('with a cache, token by token, it writes what transformers writes', async () => {
    const { texts, greedy } = expected;
    const source = paddedBatch(texts, 'left');
    const before = tf.memory().numTensors;
    const encoded = model.encode(source);
    const cache = model.newCache(texts.length, 5); // too small: it grows on the way
    const written: Rows = texts.map(() => []);
    let ids: number[] = texts.map(() => model.startId);
    while (written[0]!.length < greedy[0]!.length) {
      if (cache.length === cache.capacity) cache.grow(cache.capacity + 4);
      const best = tf.tidy(() => {
        const last = tf.tensor2d(ids, [texts.length, 1], 'int32');
        return tf.argMax(model.scores(model.hidden({ ids: last }, encoded, undefined, cache)), 1);
      });
      ids = [...(await best.data())];
      best.dispose();
      ids.forEach((id, row) => written[row]!.push(id));
    }
    expect(written).toEqual(greedy);
    expect(cache.byteLength).toBeGreaterThan(0);
    cache.dispose();
    encoded.states.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('gradients with respect to weights are those of torch', async () => {
    for (const [key, rows] of Object.entries(expected.gradients)) {
      const slot = model.modules().get(key.replace('.weight', ''))!;
      let probe = tf.zeros<tf.Rank.R2>([slot.frozen.rows, slot.frozen.columns]);
      slot.attach('probe', {
        parameters: new Map(),
        forward: (x, next) => next(x, probe),
        delta: () => ({}),
        dispose: () => {},
      });
      const gradient = tf.grad((delta: tf.Tensor) => {
        probe = delta as Tensor2D;
        return meanLoss(model, expected, 'right');
      })(probe);
      slot.detach('probe');
      expect(await difference(gradient, rows), key).toBeLessThan(1e-5 * scale(rows));
    }
  });

  test('dropout acts in training alone', async () => {
    const ids = tf.tensor2d([expected.texts[0]!], undefined, 'int32');
    const states = async (seed?: number) => {
      const pass = seed === undefined ? undefined : { training: true, random: randomStream(seed) };
      return [...(await model.encode({ ids }, pass).states.data())];
    };
    expect(await states(1)).toEqual(await states(1));
    expect(await states(1)).not.toEqual(await states(2));
    expect(await states(1)).not.toEqual(await states());
  });
});

test('with an adapter by PEFT it has the logits that PEFT has', async () => {
  const model = await load('flan');
  const set = new AdapterSet(model);
  const { targetModules } = await loadAdapter(set, join(root, 'flan', 'adapter'), { methods: [lora] });
  expect([targetModules].flat().sort()).toEqual(model.targetModules);
  const { logits } = read('flan', 'adapted.json') as { logits: Rows };
  const scores = tf.tidy(() => model.scores(supervised(model, golden('flan'), 'right').hidden));
  expect(await difference(tf.slice(scores, scores.shape[0] - logits.length), logits)).toBeLessThan(
    1e-5 * scale(logits),
  );
  set.remove('default');
  model.dispose();
});

test("Flan's head is its own under the configuration of older transformers as well", async () => {
  const { scale_decoder_outputs: _, ...config } = read('flan', 'config.json') as Record<string, unknown>;
  const model = await withTokenizer(join(root, 'flan'), (folder) => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, tie_word_embeddings: false }));
    return loadSequenceToSequenceModel(folder);
  });
  const loss = tf.tidy(() => meanLoss(model, golden('flan'), 'right'));
  expect(await difference(loss, [golden('flan').right.loss])).toBeLessThan(1e-5);
  model.dispose();
});

test('an unknown activation and a batch of other size are refused', async () => {
  const model = await load('t5');
  const { texts, labels } = golden('t5');
  const encoded = model.encode(paddedBatch(texts, 'right'));
  const ids = decoderInputs(labels.slice(1), 0);
  expect(() => model.hidden({ ids }, encoded)).toThrow(/3 texts were encoded, but ids has 2 rows/);
  model.dispose();
  const folder = mkdtempSync(join(tmpdir(), 'loran-t5-'));
  cpSync(join(root, 't5'), folder, { recursive: true });
  const config = read('t5', 'config.json') as object;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, feed_forward_proj: 'gated-snake' }));
  await expect(withTokenizer(folder, (copy) => loadSequenceToSequenceModel(copy))).rejects.toThrow(
    /'feed_forward_proj': "gated-snake"; known are gelu/,
  );
  rmSync(folder, { recursive: true });
});
