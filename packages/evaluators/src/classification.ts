/**
 * Evaluators of classification, equal to scikit-learn's accuracy_score, f1_score and matthews_corrcoef.
 *
 *   accuracy = correct / total
 *   F1_k     = 2·correct_k / (predicted_k + referenced_k)                        of class k
 *   macro-F1 = mean of F1_k        weighted-F1 = mean of F1_k, weighted by referenced_k
 *   micro-F1 = 2·Σ correct_k / Σ (predicted_k + referenced_k)                    = accuracy, if all classes are counted
 *   MCC      = (c·s − Σ p_k t_k) / √((s² − Σ p_k²)(s² − Σ t_k²))                 0 where that is 0 / 0
 *              c = Σ correct_k, s = total, p_k = predicted_k, t_k = referenced_k (Gorodkin 2004)
 */
import { LoranError } from '@loran/plugin';
import { confusion, type ConfusionMatrix } from './confusion-matrix.js';
import type { Evaluator } from './evaluator.js';
import { version } from './version.js';

export interface F1Options {
  readonly average: 'macro' | 'micro' | 'weighted';
  /** The classes that count, present or not. Default: those that occur in the references or predictions at hand. */
  readonly labels?: readonly string[];
  /** F1 of a class that neither occurs nor is predicted; default 0, as in scikit-learn. */
  readonly zeroDivision?: 0 | 1;
}

export const accuracy = classification('accuracy', ({ correct, total }) => sum(correct) / total);
export const macroF1 = f1({ average: 'macro' });
export const microF1 = f1({ average: 'micro' });
export const weightedF1 = f1({ average: 'weighted' });
export const matthewsCorrelation = classification('mcc', mcc);

/** F1 averaged over classes; the evaluator is named after the average: 'macro-f1'. Throws EVALUATION_OPTION for no labels. */
export function f1({ average, labels, zeroDivision = 0 }: F1Options): Evaluator {
  if (labels?.length === 0) {
    throw new LoranError(
      'EVALUATION_OPTION',
      'labels is empty. Expected at least one class; leave it out to count those that occur.',
    );
  }
  return classification(`${average}-f1`, (matrix) => {
    const wanted = labels === undefined ? undefined : new Set(labels);
    const classes = matrix.labels.flatMap((label, k) => {
      const referenced = matrix.referenced[k]!;
      const both = referenced + matrix.predicted[k]!;
      const counts = wanted === undefined ? both > 0 : wanted.has(label); // a resample may lack a class
      return counts ? [{ correct: matrix.correct[k]!, referenced, both }] : [];
    });
    for (let absent = (wanted?.size ?? 0) - classes.length; absent > 0; absent--)
      classes.push({ correct: 0, referenced: 0, both: 0 });

    const ratio = (correct: number, both: number): number => (both === 0 ? zeroDivision : (2 * correct) / both);
    if (average === 'micro') return ratio(total(classes, 'correct'), total(classes, 'both'));
    const even = average === 'macro' || total(classes, 'referenced') === 0; // with nothing to weigh by, scikit-learn averages evenly
    const weighed = classes.map(({ correct, referenced, both }) => ({
      weight: even ? 1 : referenced,
      f1: ratio(correct, both),
    }));
    return weighed.reduce((all, { weight, f1 }) => all + weight * f1, 0) / total(weighed, 'weight');
  });
}

function mcc({ correct, predicted, referenced, total }: ConfusionMatrix): number {
  const square = total * total;
  const covariance = sum(correct) * total - dot(predicted, referenced);
  const spread = (square - dot(predicted, predicted)) * (square - dot(referenced, referenced));
  return spread === 0 ? 0 : covariance / Math.sqrt(spread);
}

function classification(name: string, value: (matrix: ConfusionMatrix) => number): Evaluator {
  return {
    kind: 'evaluator',
    name,
    package: '@loran/evaluators',
    version,
    prepare(predictions, references) {
      const matrix = confusion(predictions, references);
      return (counts) => value(matrix(counts));
    },
  };
}

function sum(values: Float64Array): number {
  return values.reduce((all, value) => all + value, 0);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((all, value, k) => all + value * b[k]!, 0);
}

function total<Key extends string>(rows: readonly Record<Key, number>[], key: Key): number {
  return rows.reduce((all, row) => all + row[key], 0);
}
