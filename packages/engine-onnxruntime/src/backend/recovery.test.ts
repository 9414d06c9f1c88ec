import * as tf from '@tensorflow/tfjs-core';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOnnxruntimeEngine } from '../engine.js';
import type { Emit, LazyBackend } from '../kernels/kernel.js';

const engine = createOnnxruntimeEngine({ log: () => undefined });

// Three ways to fail: in the emitter, when the session is made, and while the graph runs.
const failing: Record<string, Emit> = {
  FailsToEmit: () => {
    throw new Error('no such thing');
  },
  FailsToCompile: (graph, [x]) => graph.node('NoSuchOperator', [x], { type: 'float32', shape: [3] }),
  FailsToRun: (graph, [x]) => {
    const far = graph.constant('int64', [100, 101, 102], [3]);
    return graph.node('Gather', [x, far], { type: 'float32', shape: [3] }, { axis: 0 });
  },
};
const fails = (kernel: string, x: tf.Tensor) => tf.engine().runKernel(kernel, { x }) as tf.Tensor;

beforeAll(async () => {
  for (const [kernelName, emit] of Object.entries(failing)) {
    tf.registerKernel({
      kernelName,
      backendName: 'onnxruntime',
      kernelFunc: ({ inputs, backend }) =>
        (backend as unknown as LazyBackend).append(kernelName, emit, [inputs['x'] as tf.TensorInfo], {}, [
          { shape: [3], dtype: 'float32' },
        ])[0] as tf.TensorInfo,
    });
  }
  await openEngine(engine);
});
afterAll(closeEngine);

describe.each(Object.keys(failing))('%s', (kernel) => {
  test('only what depends on it is an error, which names it', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const good = tf.add(x, 1);
    const bad = tf.mul(fails(kernel, tf.mul(good, 2)), 3);
    const alsoGood = tf.exp(tf.sub(x, x));

    expect(await alsoGood.data()).toEqual(new Float32Array([1, 1, 1]));
    await expect(bad.data()).rejects.toMatchObject({
      code: 'OPERATION_FAILED',
      message: expect.stringMatching(new RegExp(`^${kernel} of float32\\[3\\] failed: `)) as unknown,
    });
    expect(() => bad.dataSync()).toThrow(kernel);
    expect(await good.data()).toEqual(new Float32Array([2, 3, 4]));
  });

  test('later graphs go on, and carry the error where they use the failed value', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const bad = fails(kernel, x);
    const first = engine.flush();
    const child = tf.add(bad, 1);
    const good = tf.add(x, 10);
    const second = engine.flush();
    const grandchild = tf.mul(child, good);
    expect(good.dataSync()).toEqual(new Float32Array([11, 12, 13]));
    await Promise.all([first, second]);
    await expect(grandchild.data()).rejects.toThrow(`${kernel} of float32[3] failed`);
    tf.dispose([bad, child, grandchild]);
    expect(await tf.add(x, good).data()).toEqual(new Float32Array([12, 14, 16]));
  });

  test('the same structure may be asked for again', async () => {
    for (let i = 0; i < 2; i++) await expect(fails(kernel, tf.tensor1d([1, 2, 3])).data()).rejects.toThrow(kernel);
  });
});

test('several failures in one graph are each told', async () => {
  const x = tf.tensor1d([1, 2, 3]);
  const kernels = Object.keys(failing);
  const bad = kernels.map((kernel) => fails(kernel, x));
  const good = tf.add(x, 1);
  expect(await good.data()).toEqual(new Float32Array([2, 3, 4]));
  for (const [i, tensor] of bad.entries()) await expect(tensor.data()).rejects.toThrow(kernels[i] ?? '');
});

test('with call sites kept, the error says where the op was called', async () => {
  await openEngine(createOnnxruntimeEngine({ callSites: true, log: () => undefined }));
  const bad = fails('FailsToRun', tf.tensor1d([1, 2, 3]));
  await expect(bad.data()).rejects.toThrow(
    /FailsToRun of float32\[3\] \(called at .*recovery\.test\.ts:\d+:\d+\) failed/,
  );
});

test('tensors of a closed engine say so', async () => {
  const x = tf.tensor1d(new Float32Array(1000));
  await closeEngine();
  await expect(x.data()).rejects.toThrow(/its engine was closed/);
  x.dispose();
});
