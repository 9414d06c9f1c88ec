import { expect, test } from 'vitest';
import { pairedDifference } from './compare.js';
import type { Outcome } from './outcome.js';

const outcome = (seed: number, predictions: number[]): Outcome => ({
  method: 'lora',
  seed,
  predictions,
  epochs: [],
  trainable: 0,
  steps: 0,
  tokens: 0,
  seconds: 0,
  medianStep: 0,
  peakResidentBytes: 0,
  versions: {},
});

test('each post counts once, whatever the number of seeds', () => {
  const labels = [0, 0, 1, 1];
  const once = pairedDifference([outcome(0, [0, 0, 1, 0])], [outcome(0, [0, 1, 0, 0])], labels);
  expect(once.mean).toBeCloseTo(0.5, 12); // differences 0, 1, 1, 0
  expect(once.margin).toBeCloseTo((1.96 * Math.sqrt(1 / 3)) / 2, 12);
  const twice = pairedDifference(
    [outcome(0, [0, 0, 1, 0]), outcome(1, [0, 0, 1, 0])],
    [outcome(1, [0, 1, 0, 0]), outcome(0, [0, 1, 0, 0])],
    labels,
  );
  expect(twice).toEqual({ ...once, seeds: 2 });
});

test('only seeds that both have are compared', () => {
  const { seeds, mean } = pairedDifference([outcome(0, [1, 1]), outcome(1, [0, 1])], [outcome(1, [0, 0])], [0, 1]);
  expect([seeds, mean]).toEqual([1, 0.5]);
});
