/** A model measured on examples. */
import type { LabelMap, LanguageExample, TextClassificationExample } from '@loran/datasets';
import { evaluate, type Evaluation, type Evaluator, type TextLoss } from '@loran/evaluators';
import type { LanguageModel, SequenceClassifier, SequenceToSequenceModel } from '@loran/models';
import {
  encodeExamples,
  encodeLanguageExamples,
  encodePairs,
  evaluateClassifier,
  scorePairs,
  scoreTexts,
} from '@loran/trainer';
import type { PhaseListeners } from './phase-progress.js';
import type { MeasureOptions } from './task/run-task.js';

export interface Measurement {
  /** How many examples were measured on. */
  readonly examples: number;
  readonly metrics: Evaluation;
  /** What the model gave for each example, and what the example has: labels, or losses twice. */
  readonly predictions: readonly (string | TextLoss)[];
  readonly references: readonly (string | TextLoss)[];
}

/** With those who hear how far it has come. */
export type ListenedMeasure = MeasureOptions & { readonly progress: PhaseListeners };

const nothing: Measurement = { examples: 0, metrics: {}, predictions: [], references: [] };

/** Predicts every example's label and evaluates. */
export async function measureClassifier(
  classifier: SequenceClassifier,
  examples: readonly TextClassificationExample[],
  { labels, maxLength, evaluators, progress }: Omit<ListenedMeasure, 'appendEnd'> & { readonly labels: LabelMap },
): Promise<Measurement> {
  if (examples.length === 0) return nothing;
  const encoded = encodeExamples(examples, classifier, { labels, maxLength, ...progress.tokenise });
  const { labels: predicted, metrics } = await evaluateClassifier(classifier, encoded, evaluators, progress.evaluate);
  return {
    examples: examples.length,
    metrics,
    predictions: Array.from(predicted, (index) => labels.label(index)),
    references: examples.map(({ label }) => label),
  };
}

/** The loss of every completion, and what follows from it. */
export async function measurePairs(
  model: SequenceToSequenceModel,
  examples: readonly LanguageExample[],
  { maxLength, evaluators, appendEnd, progress }: ListenedMeasure,
): Promise<Measurement> {
  if (examples.length === 0) return nothing;
  const encoded = encodePairs(examples, model, { maxLength, appendEnd, ...progress.tokenise });
  return ofScores(await scorePairs(model, encoded, progress.evaluate), evaluators);
}

/** The loss of every text, and what follows from it. */
export async function measureLanguageModel(
  model: LanguageModel,
  examples: readonly LanguageExample[],
  { maxLength, evaluators, appendEnd, progress }: ListenedMeasure,
): Promise<Measurement> {
  if (examples.length === 0) return nothing;
  const encoded = await encodeLanguageExamples(examples, model, { maxLength, appendEnd, ...progress.tokenise });
  return ofScores(await scoreTexts(model, encoded, progress.evaluate), evaluators);
}

function ofScores(scores: readonly TextLoss[], evaluators: readonly Evaluator[]): Measurement {
  const fitting = evaluators as readonly Evaluator<never>[] as readonly Evaluator<TextLoss>[]; // checked by evaluatorsFor
  return {
    examples: scores.length,
    metrics: evaluate<TextLoss, TextLoss>(scores, scores, fitting),
    predictions: scores,
    references: scores,
  };
}
