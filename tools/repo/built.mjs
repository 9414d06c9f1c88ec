/**
 * What is published is `dist`, while tests run on the source: this runs the built packages, as a user's Node resolves them, through the
 * default engine with its worker and through the command line program.
 *
 *   node tools/repo/built.mjs      after `npm run build`
 */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import * as tf from '@tensorflow/tfjs-core';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { closeEngine, openEngine } from '@loran/tensor';
import { main } from 'loran';

for (const name of ['@loran/engine-onnxruntime', '@loran/tensor', 'loran']) {
  assert.match(import.meta.resolve(name), /\/dist\/index\.js$/, `${name} is not taken from its build`);
}

await openEngine(onnxruntime, { device: 'cpu' });
const x = tf.tensor2d([
  [1, 2],
  [3, 4],
]);
assert.deepEqual([...(await tf.matMul(x, x).data())], [7, 10, 15, 22]);
const gradient = tf.grad((v) => tf.sum(tf.square(v)))(x);
assert.deepEqual([...(await gradient.data())], [2, 4, 6, 8]);
await closeEngine();

const [out, err] = [new PassThrough(), new PassThrough()];
assert.equal(await main(['list', '--json'], { out, err }), 0);
out.end();
const { methods } = JSON.parse(await text(out));
const names = methods.map(({ name }) => name);
for (const name of ['lora', 'loran']) assert.ok(names.includes(name), `${name} is missing among ${names.join(', ')}`);
console.log('The built packages run.');
