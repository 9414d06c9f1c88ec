import { expect, test } from 'vitest';
import type { Emit } from '../kernels/kernel.js';
import { arenaBytes } from './arena.js';
import { Entry, Node } from './node.js';
import { plan } from './plan.js';

const emit: Emit = () => [];
let serial = 0;

/** A node over float32 vectors; its output. */
function vector(length: number, ...inputs: Entry[]): Entry {
  const operands = inputs.map((entry) => ({ entry, shape: entry.shape, type: 'float32' as const }));
  const node = new Node(serial++, 'Op', emit, operands, {}, [{ shape: [length], dtype: 'float32' }], 'Op');
  return node.outputs[0] as Entry;
}

test('a chain takes two links at a time, whatever its length; leaves take nothing', () => {
  let value = new Entry([1000], 'float32', 'float32');
  for (let i = 0; i < 10; i++) value = vector(1000, value);
  expect(arenaBytes(plan([value]))).toBe(2 * 4000);
});

test('what is read late, and what is wanted, stays', () => {
  const early = vector(1000);
  const wanted = vector(500, early);
  let value = vector(10, early);
  for (let i = 0; i < 5; i++) value = vector(10, value);
  const last = vector(10, value, early);
  expect(arenaBytes(plan([last, wanted]))).toBe(4000 + 2000 + 2 * 40);
});

test('an output that nobody reads goes at once', () => {
  const node = new Node(
    serial++,
    'Split',
    emit,
    [],
    {},
    [
      { shape: [100], dtype: 'float32' },
      { shape: [100], dtype: 'float32' },
    ],
    'Split',
  );
  const value = vector(50, vector(50, node.outputs[0] as Entry));
  expect(arenaBytes(plan([value]))).toBe(800);
});
