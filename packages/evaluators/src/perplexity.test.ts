import { describeEvaluator } from '@loran/testing';
import { expect, test } from 'vitest';
import { evaluate } from './evaluate.js';
import { perplexity } from './perplexity.js';

const texts = [
  { loss: Math.log(2), tokens: 3 },
  { loss: Math.log(4), tokens: 1 },
  { loss: 0, tokens: 0 },
];

describeEvaluator(perplexity, {
  predictions: [...texts, { loss: 1, tokens: 2 }],
  references: ['a', 'b', 'c', 'd'],
  right: () => ({ loss: 0, tokens: 1 }),
  best: 1,
  range: [1, Infinity],
});

test('is the exponential of the mean over tokens, so that long texts count for more', () => {
  const { perplexity: estimate } = evaluate(texts, texts, [perplexity]);
  expect(estimate!.value).toBeCloseTo(2 ** 1.25, 12);
});

test('is shown as a number, not as a percentage', () => {
  expect(perplexity.format?.(12.3456)).toBe('12.35');
});
