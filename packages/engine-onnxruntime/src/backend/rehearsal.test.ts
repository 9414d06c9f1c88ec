import * as tf from '@tensorflow/tfjs-core';
import { closeEngine, opaque, openEngine, variable } from '@loran/tensor';
import { afterEach, expect, test } from 'vitest';
import { createOnnxruntimeEngine, onnxruntime, type OnnxruntimeEngine } from '../engine.js';

afterEach(closeEngine);

/** Two steps of gradient descent; what each graph was. */
async function descend(engine: OnnxruntimeEngine) {
  await openEngine(engine, { device: 'cpu' });
  const graphs: object[] = [];
  const stop = engine.observe(({ nodes, inputs, outputs, products, arenaBytes }) =>
    graphs.push({ nodes, inputs, outputs, products, arenaBytes }),
  );
  const W = variable(tf.fill([300, 200], 0.01));
  const x = tf.fill([50, 300], 0.1);
  for (let step = 0; step < 2; step++) {
    const loss = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => tf.sum(tf.square(tf.tanh(tf.matMul(x, W)))), [W]);
      W.assign(tf.sub(W, tf.mul(grads[W.name]!, 0.1)));
      return value;
    });
    expect(Number.isFinite((await loss.data())[0])).toBe(true);
    loss.dispose();
  }
  stop();
  const { bytes } = engine.memory();
  tf.dispose([W, x]);
  return { graphs, bytes };
}

test('it plans the graphs of the real engine, and counts the same bytes', async () => {
  const real = await descend(onnxruntime);
  expect(real.graphs.length).toBeGreaterThan(0);
  expect(real.bytes).toBe(4 * (300 * 200 + 50 * 300));
  expect(await descend(createOnnxruntimeEngine({ rehearsal: true }))).toEqual(real);
});

test('what the host knows is read as it is, everything else is ones; no runtime is loaded', async () => {
  await openEngine(createOnnxruntimeEngine({ rehearsal: true, runtime: 'no-such-runtime' }));
  const x = tf.tensor1d([1, 2, 3]);
  expect([...(await x.data())]).toEqual([1, 2, 3]);
  expect([...tf.mul(x, x).dataSync()]).toEqual([1, 1, 1]);
  expect(tf.greater(x, 2).dataSync()).toEqual(Uint8Array.of(1, 1, 1));
  const codes = opaque(new Uint8Array(4096), 'uint8', [4096]);
  expect((await tf.sum(codes).data()).length).toBe(1);
});
