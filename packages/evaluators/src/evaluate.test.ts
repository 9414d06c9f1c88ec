import { describe, expect, test } from 'vitest';
import { builtInEvaluators } from './built-in-evaluators.js';
import { accuracy, macroF1 } from './classification.js';
import { evaluate, pairedDifference } from './evaluate.js';
import type { Evaluator } from './evaluator.js';
import { golden, goldenCase } from './__fixtures__/golden.js';

const drawn = goldenCase('20 classes, drawn');

/** Deterministic noise for made-up predictions, unrelated to the generator under test. */
function noise(index: number): number {
  const x = Math.sin(index * 12.9898 + 78.233) * 43758.5453;
  return x - Math.floor(x);
}

describe('evaluate', () => {
  test('gives the value of every evaluator, inside its interval', () => {
    const evaluation = evaluate(
      drawn.predictions,
      drawn.references,
      builtInEvaluators()
        .list()
        .filter((evaluator) => evaluator.of !== 'losses'),
    );
    expect(Object.keys(evaluation)).toEqual(['accuracy', 'macro-f1', 'micro-f1', 'weighted-f1', 'mcc']);
    for (const [name, { value, low, high }] of Object.entries(evaluation)) {
      expect(value).toBeCloseTo(drawn.values[name]!, 12);
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
    }
  });

  test.each(golden.intervals)(
    "agrees with SciPy's percentile interval: $metric of $name",
    ({ name, metric, low, high }) => {
      const { predictions, references } = goldenCase(name);
      const found = evaluate(predictions, references, [builtInEvaluators().get(metric)], { resamples: 4000 })[metric]!;
      const tolerance = 0.06 * (high - low); // about three standard errors of a 2.5 % quantile of 2,000 draws
      expect(Math.abs(found.low - low)).toBeLessThan(tolerance);
      expect(Math.abs(found.high - high)).toBeLessThan(tolerance);
    },
  );

  test('95 % intervals hold the truth about 95 times in 100', () => {
    let held = 0;
    const trials = 300;
    for (let trial = 0; trial < trials; trial++) {
      const references = Array.from({ length: 150 }, () => 'a');
      const predictions = references.map((label, index) => (noise(trial * 150 + index) < 0.7 ? label : 'b'));
      const { low, high } = evaluate(predictions, references, [accuracy], { resamples: 400, seed: trial })['accuracy']!;
      if (low <= 0.7 && 0.7 <= high) held++;
    }
    expect(held / trials).toBeGreaterThan(0.91);
    expect(held / trials).toBeLessThan(0.985);
  });

  test('the same seed gives the same interval, another seed another, a higher confidence a wider one', () => {
    const at = (options: object) => evaluate(drawn.predictions, drawn.references, [macroF1], options)['macro-f1']!;
    expect(at({ seed: 1 })).toEqual(at({ seed: 1 }));
    expect(at({ seed: 1 }).low).not.toBe(at({ seed: 2 }).low);
    expect(at({ confidence: 0.99 }).low).toBeLessThan(at({ confidence: 0.8 }).low);
    expect(at({ confidence: 0.99 }).high).toBeGreaterThan(at({ confidence: 0.8 }).high);
  });

  test('a perfect or single prediction has an interval of no width', () => {
    expect(evaluate(['a', 'b'], ['a', 'b'], [accuracy])).toEqual({ accuracy: { value: 1, low: 1, high: 1 } });
    expect(evaluate(['a'], ['b'], [accuracy])).toEqual({ accuracy: { value: 0, low: 0, high: 0 } });
  });

  test('100,000 examples take a second or so: the metric runs on cells, not on examples', () => {
    const references = Array.from({ length: 100_000 }, (_, index) => String(Math.floor(20 * noise(index))));
    const predictions = references.map((label, index) => (noise(index + 0.5) < 0.8 ? label : '0'));
    let largest = 0;
    const watching: Evaluator = {
      ...accuracy,
      prepare(p, r) {
        largest = p.length;
        return accuracy.prepare(p, r);
      },
    };
    const { low, high } = evaluate(predictions, references, [watching], { resamples: 200 })['accuracy']!;
    expect(largest).toBe(39); // 20 right cells, 19 wrong ones
    expect(high - low).toBeLessThan(0.01);
  });

  test('evaluators of anything: numbers against numbers', () => {
    const meanError: Evaluator<number> = {
      kind: 'evaluator',
      name: 'mean-error',
      package: null,
      version: null,
      prepare: (predictions, references) => (counts) => {
        const errors = predictions.map((prediction, index) => Math.abs(prediction - references[index]!));
        const total = errors.reduce((sum, _, index) => sum + counts[index]!, 0);
        return errors.reduce((sum, error, index) => sum + error * counts[index]!, 0) / total;
      },
    };
    expect(evaluate([1, 2, 3], [1, 3, 5], [meanError])['mean-error']!.value).toBeCloseTo(1, 12);
  });

  test.each([
    [
      ['a'],
      ['a', 'b'],
      {},
      'EVALUATION_LENGTH_MISMATCH',
      'There are 1 predictions and 2 references. Expected one of each for every example, in the same order.',
    ],
    [[], [], {}, 'EVALUATION_EMPTY', 'There is nothing to evaluate: 0 predictions. Expected at least one example.'],
    [
      ['a'],
      ['a'],
      { confidence: 95 },
      'EVALUATION_OPTION',
      'confidence is 95. Expected a number between 0 and 1, such as 0.95.',
    ],
    [['a'], ['a'], { resamples: 0 }, 'EVALUATION_OPTION', 'resamples is 0. Expected a whole number above 0.'],
    [['a'], ['a'], { seed: 0.5 }, 'EVALUATION_OPTION', 'seed is 0.5. Expected a whole number of 32 bits.'],
  ])('%j against %j with %j is refused', (predictions, references, options, code, message) => {
    expect(() => evaluate(predictions, references, [accuracy], options)).toThrow(
      expect.objectContaining({ code, message }) as Error,
    );
  });

  test('two evaluators of one name are refused, an unknown name gets suggestions', () => {
    expect(() => evaluate(['a'], ['a'], [accuracy, { ...accuracy }])).toThrow(
      /evaluator 'accuracy' .* is already registered/,
    );
    expect(() => builtInEvaluators().get('macro_f1')).toThrow(/Did you mean 'macro-f1'/);
  });
});

describe('pairedDifference', () => {
  const references = Array.from({ length: 400 }, (_, index) => (noise(index) < 0.5 ? 'a' : 'b'));
  const flip = (label: string) => (label === 'a' ? 'b' : 'a');
  const baseline = references.map((label, index) => (noise(index + 0.25) < 0.75 ? label : flip(label)));
  const better = baseline.map((label, index) => (noise(index + 0.75) < 0.15 ? references[index]! : label)); // mends 15 % of the errors

  test('is the difference of the values', () => {
    const difference = pairedDifference(
      better,
      baseline,
      references,
      builtInEvaluators()
        .list()
        .filter((evaluator) => evaluator.of !== 'losses'),
    );
    const [one, two] = [better, baseline].map((predictions) =>
      evaluate(
        predictions,
        references,
        builtInEvaluators()
          .list()
          .filter((evaluator) => evaluator.of !== 'losses'),
      ),
    );
    for (const [name, { value, low, high }] of Object.entries(difference)) {
      expect(value).toBeCloseTo(one![name]!.value - two![name]!.value, 12);
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
  });

  test('is sharper than two intervals: errors in common cancel', () => {
    const { low, high } = pairedDifference(better, baseline, references, [accuracy])['accuracy']!;
    const [one, two] = [better, baseline].map(
      (predictions) => evaluate(predictions, references, [accuracy])['accuracy']!,
    );
    expect(one!.low).toBeLessThan(two!.high); // they overlap
    expect(low).toBeGreaterThan(0); // and still differ
    expect(high - low).toBeLessThan(one!.high - one!.low);
  });

  test('a system differs from itself by exactly 0', () => {
    expect(pairedDifference(better, better, references, [macroF1])).toEqual({
      'macro-f1': { value: 0, low: 0, high: 0 },
    });
  });

  test('names the column that is short', () => {
    expect(() => pairedDifference(['a', 'b'], ['a'], ['a', 'b'], [accuracy])).toThrow(
      'There are 2 predictions and 1 baseline and 2 references.',
    );
  });
});
