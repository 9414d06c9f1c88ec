import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { rmSync } from 'node:fs';
import { inference, type Pass } from '@loran/adapter';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { closeEngine, openEngine, portableEngine, randomStream, variable } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyOfTinyBert, difference, golden, goldenBatch, goldenLoss, tinyBert } from '../__fixtures__/golden.js';
import { loadSequenceClassifier } from '../open-model.js';

const engines = [
  ['cpu', portableEngine('cpu')],
  ['onnxruntime', onnxruntime],
] as const;

describe.each(engines)('on %s', (name, engine) => {
  beforeAll(() => openEngine(engine, { device: 'cpu' }));
  afterAll(closeEngine);

  test.each(['F32', 'F16', 'BF16'] as const)(
    '%s: logits, loss and mean vectors are those of transformers',
    async (dtype) => {
      const folder = dtype === 'F32' ? tinyBert : copyOfTinyBert(dtype === 'F16' ? 'tiny-bert-f16' : 'tiny-bert-bf16');
      const cls = await loadSequenceClassifier(folder);
      const mean = await loadSequenceClassifier(folder, { head: 'mean', labels: ['a', 'b'] });
      const { logits, loss, mean: vectors } = golden[dtype];
      expect(await difference(cls.logits(goldenBatch()), logits)).toBeLessThan(1e-5);
      expect(await difference(goldenLoss(cls.logits(goldenBatch())), [loss])).toBeLessThan(1e-5);
      expect(await difference(mean.pooled(goldenBatch()), vectors)).toBeLessThan(1e-5);
      cls.dispose();
      mean.dispose();
      if (folder !== tinyBert) rmSync(folder, { recursive: true });
    },
  );

  describe('the tiny BERT', () => {
    test('every hidden state is that of transformers, padding included', async () => {
      const model = await loadSequenceClassifier(tinyBert);
      const states = model.hiddenStates(goldenBatch());
      expect(states.length).toBe(golden.F32.hiddenStates.length);
      for (const [i, state] of states.entries()) {
        expect(await difference(state, golden.F32.hiddenStates[i])).toBeLessThan(2e-5);
      }
      model.dispose();
    });

    test('without a mask and token types nothing is padded, and all tokens are of one type', async () => {
      const model = await loadSequenceClassifier(tinyBert);
      const ids = tf.tensor2d([golden.batch.input_ids[0]!], undefined, 'int32');
      expect(await difference(model.logits({ ids }), golden.F32.unmaskedLogits)).toBeLessThan(1e-5);
      model.dispose();
    });

    test('padding changes nothing: a text alone has the logits that it has in a batch', async () => {
      for (const head of ['cls', 'mean'] as const) {
        const model = await loadSequenceClassifier(tinyBert, { head, labels: ['ham', 'spam', 'neither'] });
        const [, second] = await model.logits(goldenBatch()).array();
        const ids = tf.tensor2d([golden.batch.input_ids[1]!.slice(0, 5)], undefined, 'int32');
        expect(await difference(model.logits({ ids }), second)).toBeLessThan(1e-5);
        model.dispose();
      }
    });

    test('a row of padding alone gives numbers, not NaN', async () => {
      for (const head of ['cls', 'mean'] as const) {
        const model = await loadSequenceClassifier(tinyBert, { head, labels: ['a', 'b'], freshClassifier: true });
        const logits = model.logits({ ids: tf.zeros([1, 3], 'int32'), mask: tf.zeros([1, 3], 'int32') });
        expect([...(await logits.data())].every(Number.isFinite)).toBe(true);
        model.dispose();
      }
    });

    test('mean pooling and the classifier give the logits of their composition', async () => {
      const folder = copyOfTinyBert();
      const model = await loadSequenceClassifier(folder, { head: 'mean', labels: ['ham', 'spam', 'neither'] });
      const cls = await loadSequenceClassifier(folder);
      const classifier = cls.modules().get('classifier')!.frozen;
      const logits = classifier.apply(model.pooled(goldenBatch()));
      expect(await difference(logits, golden.F32.meanLogits)).toBeLessThan(1e-5);
      expect(model.initialised).toEqual(['classifier']);
      model.dispose();
      cls.dispose();
      rmSync(folder, { recursive: true });
    });

    test('the gradient of every kind of weight is that of torch', async () => {
      const model = await loadSequenceClassifier(tinyBert);
      const paths = Object.keys(golden.F32.gradients).map((name) => name.replace(/\.weight$/, ''));
      const changes = paths.map((path) => {
        const slot = model.modules().get(path)!;
        const change = variable(tf.zeros([slot.frozen.rows, slot.frozen.columns])); // dL/dΔ at W + Δ is dL/dW
        slot.attach('probe', {
          parameters: new Map([['change', change]]),
          forward: (x, next) => next(x, change as tf.Tensor as tf.Tensor2D),
          delta: () => ({ weight: change as tf.Tensor as tf.Tensor2D }),
          dispose: () => change.dispose(),
        });
        return change;
      });
      const { value, grads } = tf.variableGrads(() => goldenLoss(model.logits(goldenBatch())), changes);
      expect(await difference(value, [golden.F32.loss])).toBeLessThan(1e-5);
      for (const [i, path] of paths.entries()) {
        const expected = golden.F32.gradients[`${path}.weight`]!;
        const largest = Math.max(...expected.flat().map(Math.abs));
        expect(await difference(grads[changes[i]!.name]!, expected)).toBeLessThan(1e-4 * largest);
      }
      model.dispose();
    });
  });

  describe('dropout', () => {
    const training = (seed: number): Pass => ({ training: true, random: randomStream(seed) });

    test('acts in training alone, repeats with its stream, and changes with it', async () => {
      const model = await loadSequenceClassifier(tinyBert);
      const values = async (pass: Pass) => [...(await model.logits(goldenBatch(), pass).data())];
      const plain = await values(inference);
      expect(await values(training(1))).toEqual(await values(training(1)));
      expect(await values(training(1))).not.toEqual(plain);
      expect(await values(training(1))).not.toEqual(await values(training(2)));
      expect(await values(inference)).toEqual(plain);
      model.dispose();
    });

    test('leaves the hidden states right on average', async () => {
      const model = await loadSequenceClassifier(tinyBert);
      const embeddings = (pass: Pass) => model.hiddenStates(goldenBatch(), pass)[0]!;
      const passes = Array.from({ length: 40 }, (_, seed) => tf.tidy(() => embeddings(training(seed))));
      const mean = tf.tidy(() => tf.div(tf.addN(passes), passes.length));
      const [error, spread] = await Promise.all(
        [tf.mean(tf.abs(tf.sub(mean, embeddings(inference)))), tf.mean(tf.abs(embeddings(inference)))].map((t) =>
          t.data(),
        ),
      );
      expect(error![0]! / spread![0]!).toBeLessThan(0.08); // at rate 0.1 the standard error is √(0.1/0.9/40) = 0.053, its mean magnitude 0.042
      model.dispose();
    });
  });

  test('nothing is left in memory', async () => {
    const before = tf.memory().numTensors;
    const model = await loadSequenceClassifier(tinyBert);
    const batch = goldenBatch();
    const loaded = tf.memory().numTensors;
    const outputs = [
      model.logits(batch),
      model.pooled(batch, { training: true, random: randomStream(0) }),
      ...model.hiddenStates(batch),
    ];
    expect(tf.memory().numTensors).toBe(loaded + outputs.length);
    tf.dispose(outputs);
    tf.dispose([batch.ids, batch.mask, batch.tokenTypes]);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('gradient work', () => {
  beforeAll(() => openEngine(portableEngine('cpu')));
  afterAll(closeEngine);

  test('adapters on the last layer cause no gradient work in the layers below', async () => {
    const model = await loadSequenceClassifier(tinyBert);
    const products = async (path: string): Promise<{ forward: number; all: number }> => {
      const slot = model.modules().get(path)!;
      const change = variable(tf.zeros([slot.frozen.rows, slot.frozen.columns])) as tf.Variable & tf.Tensor2D;
      slot.attach('probe', {
        parameters: new Map(),
        forward: (x, next) => next(x, change),
        delta: () => ({}),
        dispose: () => undefined,
      });
      const count = async (work: () => unknown) => {
        const { kernelNames, kernels } = await tf.profile(() => tf.tidy(() => void work()));
        expect(kernelNames.length).toBeGreaterThan(0);
        return kernels.filter(({ name }) => name === 'BatchMatMul').length;
      };
      const loss = () => goldenLoss(model.logits(goldenBatch()));
      const result = { forward: await count(loss), all: await count(() => tf.variableGrads(loss, [change])) };
      slot.detach('probe');
      return result;
    };
    const last = await products('bert.encoder.layer.1.output.dense');
    const first = await products('bert.encoder.layer.0.attention.self.query');
    // above the last dense: classifier and pooler, each one product for dX, and dΔ itself
    // the classifier and the pooler pass a gradient down, and the change of the dense layer has its own
    // (a product that is formed again also gives its own dX, which nobody reads: a lazy engine leaves it out)
    expect(last.all - last.forward).toBe(2 + 1 + 1);
    // layer 1: three dense, four in the attention, query, key and value; layer 0: three dense, the attention to the query, its change
    expect(first.all - first.forward).toBe(2 + (3 + 4 + 3) + (3 + 2 + 1) + 1);
    model.dispose();
  });
});
