/** What loading says of itself, for every way in which weights come. */
import '@tensorflow/tfjs-backend-cpu';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bf16, type BaseStorage } from '@loran/adapter';
import { nf4 } from '@loran/qlora';
import { closeEngine, openEngine, portableEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withTokenizer } from '../__fixtures__/decoders.js';
import {
  loadLanguageModel,
  loadSentenceEncoder,
  loadSequenceClassifier,
  loadSequenceToSequenceModel,
} from '../open-model.js';
import { openModel } from '../source/open-source.js';
import { LoadProgress } from './load-progress.js';

const fixtures = fileURLToPath(new URL('../__fixtures__', import.meta.url));

beforeAll(() => openEngine(portableEngine('cpu')));
afterAll(closeEngine);

type Load = (model: string, options: object) => Promise<{ dispose(): void }>;
interface Case {
  readonly model: string;
  readonly load: Load;
  readonly base?: BaseStorage;
  /** Whether the model leaves tensors of the file aside. */
  readonly partly?: boolean;
}

const labelled: Load = (model, options) => loadSequenceClassifier(model, { ...options, labels: ['ham', 'spam'] });

const cases: Case[] = [
  { model: 'decoders/llama', load: loadLanguageModel },
  { model: 'decoders/llama', load: loadLanguageModel, base: nf4 },
  { model: 'decoders/llama', load: labelled, partly: true },
  { model: 'decoders/gpt2', load: loadLanguageModel, base: bf16 },
  { model: 'decoders/falcon', load: loadLanguageModel },
  { model: 'gguf/qwen3.gguf', load: loadLanguageModel },
  { model: 'bnb/llama', load: loadLanguageModel, base: nf4 },
  { model: 't5/flan', load: loadSequenceToSequenceModel },
  { model: 'encoders/roberta', load: loadSequenceClassifier },
  { model: 'encoders/distilbert', load: loadSentenceEncoder, partly: true },
];

test.each(cases)('$model (case %#): bytes from 0 to all, once', async ({ model, load, base, partly = false }) => {
  const reports: [number, number][] = [];
  const from = async (folder: string) => {
    const options = {
      ...(base === undefined ? {} : { base }),
      onProgress: (...report: [number, number]) => reports.push(report),
    };
    (await load(folder, options)).dispose();
    const { weights } = await openModel(folder);
    await weights.close();
    return [...weights.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  };
  const path = join(fixtures, model);
  const bytes = await (model.endsWith('.gguf') ? from(path) : withTokenizer(path, from));

  const total = reports[0]![1];
  if (partly) expect(total).toBeLessThan(bytes);
  else expect(total).toBe(bytes);
  expect(reports.every(([, all]) => all === total)).toBe(true);
  const loaded = reports.map(([done]) => done);
  expect(loaded[0]).toBe(0);
  expect(loaded.length).toBeGreaterThan(10);
  expect(loaded.filter((done) => done === total)).toHaveLength(1);
  expect(loaded.at(-1)).toBe(total);
  expect(loaded.every((done, i) => i === 0 || done > loaded[i - 1]!)).toBe(true);
});

test('a large tensor is counted as it comes, and once though it is read again', async () => {
  const reports: [number, number][] = [];
  const tensors = new Map([
    ['a', { dtype: 'F16', shape: [2, 4], byteLength: 16 }],
    ['b', { dtype: 'F32', shape: [1], byteLength: 4 }],
  ] as const);
  const progress = new LoadProgress(tensors, ['a', 'b', 'a'], (...report) => reports.push(report));
  const runs = async function* () {
    yield* await Promise.resolve([new Float32Array(3), new Float32Array(5)]);
  };
  for (let pass = 0; pass < 2; pass++)
    for await (const run of progress.watch('a', runs())) expect(run.length).toBeGreaterThan(0);
  progress.add('b');
  expect(reports).toEqual([
    [0, 20],
    [6, 20],
    [16, 20],
    [20, 20],
  ]);
});
