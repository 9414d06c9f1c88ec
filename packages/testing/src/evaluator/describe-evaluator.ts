/** The laws of evaluators, stated about any object of their shape. */
import type { Plugin } from '@loran/plugin';
import { describe, expect } from 'vitest';
import { testLaws, type Law, type SkippedLaw } from '../law-suite.js';

/** What an evaluator must look like. */
export interface EvaluatorLike<Prediction, Reference> extends Plugin {
  prepare(predictions: readonly Prediction[], references: readonly Reference[]): (counts: ArrayLike<number>) => number;
}

export interface EvaluatorLawOptions<Prediction, Reference> {
  /** Pairs to score, at least four, not all of them right. */
  readonly predictions: readonly Prediction[];
  readonly references: readonly Reference[];
  /** The prediction that is right for a reference; default: the reference itself. */
  readonly right?: (reference: Reference) => Prediction;
  /** Value when every prediction is right; default 1. */
  readonly best?: number;
  /** Smallest and largest value; default 0 and 1. */
  readonly range?: readonly [number, number];
  readonly skip?: readonly SkippedLaw[];
}

interface EvaluatorSubject {
  readonly evaluator: EvaluatorLike<unknown, unknown>;
  readonly predictions: readonly unknown[];
  readonly references: readonly unknown[];
  readonly right: (reference: unknown) => unknown;
  readonly best: number;
  readonly range: readonly [number, number];
}

/** The laws by name. */
export const evaluatorLaws: Readonly<Record<string, Law<EvaluatorSubject>>> = {
  'says what it is': ({ evaluator }) => {
    expect(evaluator.kind).toBe('evaluator');
    expect(evaluator.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/); // kebab-case, as in results
  },

  'gives its best value when every prediction is right': ({ evaluator, references, right, best }) => {
    expect(evaluator.prepare(references.map(right), references)(ones(references.length))).toBeCloseTo(best, 12);
  },

  'gives a worse value here, within its range': (subject) => {
    const value = valueOf(subject);
    const [low, high] = subject.range;
    expect(value).toBeGreaterThanOrEqual(low);
    expect(value).toBeLessThanOrEqual(high);
    expect(Math.abs(value - subject.best)).toBeGreaterThan(1e-6);
  },

  'does not depend on the order of the pairs': (subject) => {
    const order = subject.references.map((_, i) => i).reverse();
    expect(valueOf(pick(subject, order))).toBeCloseTo(valueOf(subject), 12);
  },

  'a pair counted n times is that pair n times': (subject) => {
    const counts = subject.references.map((_, i) => (i % 3) + 1);
    const repeated = counts.flatMap((count, i) => Array.from({ length: count }, () => i));
    expect(prepared(subject)(counts)).toBeCloseTo(valueOf(pick(subject, repeated)), 12);
  },

  'a pair counted 0 times is not there': (subject) => {
    for (const left of [(i: number) => i % 2, (i: number) => Number(i !== 0), (i: number) => Number(i < 2)]) {
      const counts = subject.references.map((_, i) => left(i));
      const there = counts.flatMap((count, i) => (count === 0 ? [] : [i]));
      expect(prepared(subject)(counts)).toBeCloseTo(valueOf(pick(subject, there)), 12);
    }
  },

  'answers the same again, and leaves its inputs alone': (subject) => {
    const frozen = {
      ...subject,
      predictions: Object.freeze([...subject.predictions]),
      references: Object.freeze([...subject.references]),
    };
    const score = prepared(frozen);
    const counts = Object.freeze(ones(frozen.references.length));
    const first = score(counts);
    score(frozen.references.map((_, i) => i + 1));
    expect(score(counts)).toBe(first);
  },
};

/** Declares a suite with every law of evaluators. */
export function describeEvaluator<Prediction, Reference = Prediction>(
  evaluator: EvaluatorLike<Prediction, Reference>,
  options: EvaluatorLawOptions<Prediction, Reference>,
): void {
  const { predictions, references, best = 1, range = [0, 1], skip } = options;
  const right = options.right ?? ((reference: Reference) => reference as unknown as Prediction);
  const subject: EvaluatorSubject = {
    evaluator: evaluator as EvaluatorLike<unknown, unknown>,
    predictions,
    references,
    right: (reference) => right(reference as Reference),
    best,
    range,
  };
  describe(`laws of the evaluator '${evaluator.name}'`, () => {
    testLaws(evaluatorLaws, subject, { skip });
  });
}

const ones = (length: number): number[] => Array.from({ length }, () => 1);

const prepared = ({ evaluator, predictions, references }: EvaluatorSubject) =>
  evaluator.prepare(predictions, references);

const valueOf = (subject: EvaluatorSubject): number => prepared(subject)(ones(subject.references.length));

const pick = (subject: EvaluatorSubject, order: readonly number[]): EvaluatorSubject => ({
  ...subject,
  predictions: order.map((i) => subject.predictions[i]),
  references: order.map((i) => subject.references[i]),
});
