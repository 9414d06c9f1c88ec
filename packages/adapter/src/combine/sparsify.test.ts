import '@tensorflow/tfjs-backend-cpu';
import { randomStream } from '@loran/tensor';
import { expect, test } from 'vitest';
import { consensus, weightedSum } from './consensus.js';
import { keepLargest, keepRandom } from './sparsify.js';

const values = Float32Array.of(0.5, -3, 0.5, 2, -0.5, 0, 1, -0.5);

test('the largest magnitudes are kept, ⌊density·n⌋ of them, the first of equals', () => {
  expect([...keepLargest(values, 0.25)]).toEqual([0, -3, 0, 2, 0, 0, 0, 0]);
  expect([...keepLargest(values, 0.49)]).toEqual([0, -3, 0, 2, 0, 0, 1, 0]);
  expect([...keepLargest(values, 0.63)]).toEqual([0.5, -3, 0.5, 2, 0, 0, 1, 0]);
  expect([...keepLargest(values, 0.1)]).toEqual(Array.from({ length: 8 }, () => 0));
  expect(keepLargest(values, 1)).toBe(values);
});

test('random choices keep the share and the mean, repeat for a seed, and differ between seeds', () => {
  const many = new Float32Array(40_000).fill(2);
  const kept = keepRandom(many, 0.3, randomStream(1));
  const count = kept.filter((value) => value !== 0).length;
  expect(Math.abs(count / many.length - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / many.length)); // 4 deviations
  expect([...new Set(kept)].sort()).toEqual([0, Math.fround(2 / 0.3)]);
  expect(kept).toEqual(keepRandom(many, 0.3, randomStream(1)));
  expect(kept).not.toEqual(keepRandom(many, 0.3, randomStream(2)));
  expect(keepRandom(many, 1, randomStream(1))).toBe(many);
});

test('signs are elected before weights; a tie is positive, and zeros have no part in the mean', () => {
  const updates = [Float32Array.of(1, 3, 0, -1, 2), Float32Array.of(-2, -1, 0, 1, 0), Float32Array.of(-1, -1, 0, 0, 4)];
  expect([...consensus(updates, [1, 1, 1], 'total')]).toEqual([-1.5, 3, 0, 1, 3]);
  expect([...consensus(updates, [1, 1, 1], 'frequency')]).toEqual([-1.5, -1, 0, 1, 3]);
  expect([...consensus(updates, [2, -1, 0.5], 'total')]).toEqual([0.75, 6, 0, -1, 3]);
  expect([...weightedSum(updates, [2, -1, 0.5])]).toEqual([3.5, 6.5, 0, -3, 6]);
});
