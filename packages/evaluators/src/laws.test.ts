import { describeEvaluator } from '@loran/testing';
import { accuracy, f1, macroF1, matthewsCorrelation, microF1, weightedF1 } from './classification.js';

const pairs = {
  references: ['spam', 'ham', 'ham', 'spam', 'phish', 'ham', 'spam'],
  predictions: ['spam', 'spam', 'ham', 'ham', 'ham', 'ham', 'other'],
};

for (const evaluator of [accuracy, macroF1, microF1, weightedF1, f1({ average: 'macro', labels: ['spam', 'ham'] })]) {
  describeEvaluator(evaluator, pairs);
}
describeEvaluator(matthewsCorrelation, { ...pairs, range: [-1, 1] });
