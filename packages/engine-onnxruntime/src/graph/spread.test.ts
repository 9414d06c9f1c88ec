import * as tf from '@tensorflow/tfjs-core';
import { closeEngine, openEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOnnxruntimeEngine } from '../engine.js';
import type { Emit } from '../kernels/kernel.js';
import { Entry, Node, type NodeInput } from './node.js';
import { plan } from './plan.js';
import { spreads } from './spread.js';

const engine = createOnnxruntimeEngine({ log: () => undefined });
beforeAll(() => openEngine(engine));
afterAll(closeEngine);

const emit: Emit = () => [];
let serial = 0;

function node(op: string, shape: number[], ...entries: Entry[]): Node {
  const inputs = entries.map((entry): NodeInput => ({ entry, shape: entry.shape, type: 'float32' }));
  return new Node(serial++, op, emit, inputs, {}, [{ shape, dtype: 'float32' }], op);
}
const out = ({ outputs }: Node): Entry => outputs[0] as Entry;
const leaf = (...shape: number[]) => new Entry(shape, 'float32', 'float32');

test('an elementwise operator reads what was spread', () => {
  const [narrow, wide] = [leaf(4, 1), leaf(4, 6)];
  const spread = node('Tile', [4, 6], narrow);
  const product = node('Multiply', [4, 6], out(spread), wide);
  const { inputs, unread } = spreads(plan([out(product)]));
  expect(inputs.get(product)?.map(({ entry }) => entry)).toEqual([narrow, wide]);
  expect([...unread]).toEqual([spread]);
});

test('a spread stays where its shape is needed, or others read it', () => {
  const spread = node('Tile', [4, 6], leaf(4, 1));
  const sum = node('Add', [4, 6], out(spread), leaf(1, 1));
  const kept = spreads(plan([out(sum)]));
  expect([...kept.inputs, ...kept.unread]).toEqual([]);

  const product = node('Multiply', [4, 6], out(spread), leaf(4, 6));
  const transposed = node('Transpose', [6, 4], out(spread));
  const shared = spreads(plan([out(product), out(transposed)]));
  expect(shared.inputs.size).toBe(1);
  expect(shared.unread.size).toBe(0);
  expect(spreads(plan([out(product), out(spread)])).unread.size).toBe(0);
});

test('of two spread operands, one keeps the shape', () => {
  const [a, b] = [node('Tile', [4, 6], leaf(4, 1)), node('Tile', [4, 6], leaf(4, 1))];
  const sum = node('Add', [4, 6], out(a), out(b));
  expect([...spreads(plan([out(sum)])).unread]).toEqual([a]);
});

test('a real repetition is no spread', () => {
  const product = node('Multiply', [4, 6], out(node('Tile', [4, 6], leaf(4, 3))), leaf(4, 6));
  expect(spreads(plan([out(product)])).unread.size).toBe(0);
});

test('values are the same', async () => {
  const x = tf.tensor2d([[1], [2]]);
  const wide = tf.tidy(() => tf.mul(tf.broadcastTo(x, [2, 3]), tf.ones([2, 3])));
  const alone = tf.tidy(() => tf.add(tf.broadcastTo(x, [2, 3]), 1));
  expect(await wide.data()).toEqual(new Float32Array([1, 1, 1, 2, 2, 2]));
  expect(await alone.data()).toEqual(new Float32Array([2, 2, 2, 3, 3, 3]));
});
