/** Two thousand small training steps with changing data; prints tensors, sessions and resident MiB after 200, 1000 and 2000. */
import * as tf from '@tensorflow/tfjs-core';
import { openEngine, variable } from '@loran/tensor';
import { createOnnxruntimeEngine } from '../engine.js';

const engine = await openEngine(createOnnxruntimeEngine(), { device: 'cpu', threads: 1 });
const w = variable(tf.ones([32, 32]));
const b = variable(tf.zeros([32]));
const optimizer = tf.train.adam(0.01);
const rows: { tensors: number; sessions: number; residentMiB: number }[] = [];

for (let step = 1; step <= 2000; step++) {
  const x = tf.tensor2d(
    Float32Array.from({ length: 16 * 32 }, (_, i) => Math.sin(i * step)),
    [16, 32],
  );
  const loss = optimizer.minimize(
    () => tf.mean(tf.square(tf.sub(tf.tanh(tf.add(tf.matMul(x, w as tf.Tensor2D), b)), x))),
    true,
  ) as tf.Scalar;
  await loss.data();
  tf.dispose([x, loss]);
  if (step === 200 || step === 1000 || step === 2000) {
    const { tensors, sessions, residentBytes } = engine.memory();
    rows.push({ tensors, sessions, residentMiB: residentBytes / 2 ** 20 });
  }
}
console.log(JSON.stringify(rows));
await engine.close();
