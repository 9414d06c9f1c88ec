/**
 * Perplexity: exp of the mean cross-entropy over all supervised tokens, in nats. A text counts as often as it has tokens.
 * 1 is certainty; a model that guesses among n tokens has n.
 */
import type { Evaluator } from './evaluator.js';
import { version } from './version.js';

/** What a language model says of one text. */
export interface TextLoss {
  /** Mean cross-entropy per token, in nats. */
  readonly loss: number;
  readonly tokens: number;
}

export const perplexity: Evaluator<TextLoss, unknown> = {
  kind: 'evaluator',
  name: 'perplexity',
  package: '@loran/evaluators',
  version,
  of: 'losses',
  format: (value) => value.toPrecision(4),
  prepare: (texts) => (counts) => {
    let [loss, tokens] = [0, 0];
    texts.forEach((text, i) => {
      loss += counts[i]! * text.loss * text.tokens;
      tokens += counts[i]! * text.tokens;
    });
    return tokens === 0 ? Number.NaN : Math.exp(loss / tokens);
  },
};
