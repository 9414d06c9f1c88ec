import { describe, expect, test } from 'vitest';
import { choose, penalise } from './sampling.js';

const scores = () => Float32Array.from([1, 3, 2, -1, 0.5]);

/** How often each id is drawn over evenly spread draws. */
function shares(options: Parameters<typeof choose>[1], draws = 20000): number[] {
  const counts = Array<number>(5).fill(0);
  for (let i = 0; i < draws; i++) counts[choose(scores(), options, (i + 0.5) / draws)]! += 1;
  return counts.map((count) => count / draws);
}

const softmax = (temperature: number, ids = [0, 1, 2, 3, 4]) => {
  const weights = [...scores()].map((score, id) => (ids.includes(id) ? Math.exp(score / temperature) : 0));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
};

const close = (given: number[], expected: number[]) =>
  given.forEach((share, id) => {
    expect(share).toBeCloseTo(expected[id]!, 3);
  });

test('without a temperature the highest score is taken, the first of equals', () => {
  expect(choose(scores(), {}, 0.99)).toBe(1);
  expect(choose(Float32Array.from([2, 5, 5]), {}, 0.5)).toBe(1);
});

describe('drawn', () => {
  test('by the softmax of the scores divided by the temperature', () => {
    close(shares({ temperature: 1 }), softmax(1));
    close(shares({ temperature: 0.5 }), softmax(0.5));
  });

  test('from the k likeliest', () => {
    close(shares({ temperature: 1, topK: 2 }), softmax(1, [1, 2]));
    close(shares({ temperature: 1, topK: 99 }), softmax(1));
  });

  test('from the fewest that hold p: the one that crosses it is among them', () => {
    const [, first, second] = softmax(1);
    close(shares({ temperature: 1, topP: first! - 0.01 }), softmax(1, [1]));
    close(shares({ temperature: 1, topP: first! + second! - 0.01 }), softmax(1, [1, 2]));
    close(shares({ temperature: 1, topP: first! + second! + 0.01 }), softmax(1, [0, 1, 2]));
  });

  test('top-p counts the probability that top-k left', () => {
    const [, first] = softmax(1, [1, 2]);
    close(shares({ temperature: 1, topK: 2, topP: first! - 0.01 }), softmax(1, [1]));
  });
});

test('a penalty makes tokens that were seen less likely, on both sides of zero', () => {
  const penalised = scores();
  penalise(penalised, new Set([1, 3, 99]), 2);
  expect([...penalised]).toEqual([1, 1.5, 2, -2, 0.5]);
});

test('scores of −∞ are never drawn', () => {
  const only = Float32Array.from([-Infinity, 1, -Infinity]);
  for (const draw of [0, 0.5, 0.9999]) expect(choose(only, { temperature: 1 }, draw)).toBe(1);
});
