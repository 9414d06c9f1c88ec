import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtInEvaluators } from './built-in-evaluators.js';
import { accuracy, f1, macroF1, matthewsCorrelation, microF1 } from './classification.js';
import type { Evaluator } from './evaluator.js';
import { golden, goldenCase } from './__fixtures__/golden.js';

function value(evaluator: Evaluator, predictions: readonly string[], references: readonly string[]): number {
  return evaluator.prepare(predictions, references)(predictions.map(() => 1));
}

describe.each(golden.cases)('equals scikit-learn: $name', ({ predictions, references, values }) => {
  test.each(Object.entries(values))('%s', (name, expected) => {
    expect(value(builtInEvaluators().get(name), predictions, references)).toBeCloseTo(expected, 12);
  });
});

test.each(golden.withLabels)(
  'equals scikit-learn: $average F1 of $labels in "$name", zero_division $zeroDivision',
  ({ name, average, labels, zeroDivision, value: expected }) => {
    const { predictions, references } = goldenCase(name);
    expect(value(f1({ average, labels, zeroDivision }), predictions, references)).toBeCloseTo(expected, 12);
  },
);

const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('a', 'b', 'c', 'd')), {
  minLength: 1,
  maxLength: 30,
});

test('counting a pair n times is the same as writing it n times', () => {
  fc.assert(
    fc.property(pairs, fc.infiniteStream(fc.nat(3)), (rows, stream) => {
      const counts = rows.map(() => stream.next().value as number);
      counts[0]! += 1;
      const repeated = rows.flatMap((row, index) => Array.from({ length: counts[index]! }, () => row));
      for (const evaluator of builtInEvaluators()
        .list()
        .filter((evaluator) => evaluator.of !== 'losses')) {
        const counted = evaluator.prepare(
          rows.map(([p]) => p),
          rows.map(([, r]) => r),
        )(counts);
        expect(counted).toBeCloseTo(
          value(
            evaluator,
            repeated.map(([p]) => p),
            repeated.map(([, r]) => r),
          ),
          12,
        );
      }
    }),
  );
});

test('neither the order of examples nor the names of classes matter', () => {
  const renamed: Record<string, string> = { a: 'z', b: '10', c: 'ä', d: '' };
  fc.assert(
    fc.property(pairs, (rows) => {
      const other = [...rows].reverse().map(([p, r]) => [renamed[p]!, renamed[r]!] as const);
      for (const evaluator of builtInEvaluators()
        .list()
        .filter((evaluator) => evaluator.of !== 'losses')) {
        const before = value(
          evaluator,
          rows.map(([p]) => p),
          rows.map(([, r]) => r),
        );
        expect(
          value(
            evaluator,
            other.map(([p]) => p),
            other.map(([, r]) => r),
          ),
        ).toBeCloseTo(before, 12);
      }
    }),
  );
});

test('bounds: 1 for perfect predictions, F1 within [0, 1], correlation within [-1, 1], micro-F1 is accuracy', () => {
  fc.assert(
    fc.property(pairs, (rows) => {
      const [p, r] = [rows.map(([prediction]) => prediction), rows.map(([, reference]) => reference)];
      for (const evaluator of builtInEvaluators()
        .list()
        .filter((evaluator) => evaluator.of !== 'losses')) {
        expect(Math.abs(value(evaluator, p, r))).toBeLessThanOrEqual(1 + 1e-12);
        if (evaluator !== matthewsCorrelation || new Set(r).size > 1) expect(value(evaluator, r, r)).toBeCloseTo(1, 12);
      }
      expect(value(macroF1, p, r)).toBeGreaterThanOrEqual(0);
      expect(value(microF1, p, r)).toBeCloseTo(value(accuracy, p, r), 12);
    }),
  );
});

test('F1 of no classes is refused', () => {
  expect(() => f1({ average: 'macro', labels: [] })).toThrow(
    'labels is empty. Expected at least one class; leave it out to count those that occur.',
  );
});
