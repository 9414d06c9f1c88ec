/** The laws of evaluators, each tried on an evaluator that breaks it. */
import { describe, expect, test } from 'vitest';
import { describeEvaluator, evaluatorLaws, type EvaluatorLike } from './describe-evaluator.js';

type Score = (counts: ArrayLike<number>) => number;

/** The share of pairs that agree. */
const agreement: EvaluatorLike<unknown, unknown> = {
  kind: 'evaluator',
  name: 'agreement',
  package: null,
  version: null,
  prepare: (predictions, references) => (counts) => {
    let [right, all] = [0, 0];
    for (const [i, prediction] of predictions.entries()) {
      all += counts[i]!;
      if (prediction === references[i]) right += counts[i]!;
    }
    return right / all;
  },
};
const predictions = ['a', 'b', 'b', 'c', 'a', 'c'];
const references = ['a', 'b', 'a', 'c', 'c', 'c'];
describeEvaluator(agreement, { predictions, references });

const scores = (change: (score: Score, right: readonly unknown[], size: number) => Score) => ({
  ...agreement,
  prepare: (p: readonly unknown[], r: readonly unknown[]) => change(agreement.prepare(p, r), p, p.length),
});
const ones = (size: number) => Array.from({ length: size }, () => 1);

const mutants: readonly { name: string; evaluator: EvaluatorLike<unknown, unknown>; breaks: string }[] = [
  { name: 'a name with a space', evaluator: { ...agreement, name: 'my score' }, breaks: 'says what it is' },
  {
    name: 'percent',
    evaluator: scores((score) => (counts) => 100 * score(counts)),
    breaks: 'gives its best value when every prediction is right',
  },
  { name: 'always 1', evaluator: scores(() => () => 1), breaks: 'gives a worse value here, within its range' },
  {
    name: 'the first pair alone',
    evaluator: scores((score, _, size) => () => score(ones(size).map((_, i) => (i < 3 ? i + 1 : 0)))),
    breaks: 'does not depend on the order of the pairs',
  },
  {
    name: 'counts that only say whether',
    evaluator: scores((score) => (counts) => score(Array.from(counts, (count) => Math.min(1, count)))),
    breaks: 'a pair counted n times is that pair n times',
  },
  {
    name: 'counts that are at least 1',
    evaluator: scores((score) => (counts) => score(Array.from(counts, (count) => Math.max(1, count)))),
    breaks: 'a pair counted 0 times is not there',
  },
  {
    name: 'a sum that goes on',
    evaluator: scores((score) => {
      let last = 0;
      return (counts) => (last = score(counts) + last / 2);
    }),
    breaks: 'answers the same again, and leaves its inputs alone',
  },
];

describe.each(mutants)('$name', ({ evaluator, breaks }) => {
  test(`breaks: ${breaks}`, async () => {
    const right = (reference: unknown) => reference;
    const subject = { evaluator, predictions, references, right, best: 1, range: [0, 1] as const };
    await expect(Promise.resolve(subject).then(evaluatorLaws[breaks])).rejects.toThrow();
  });
});

test('every law is broken by some mutant', () => {
  expect(Object.keys(evaluatorLaws).sort()).toEqual(mutants.map(({ breaks }) => breaks).sort());
});
