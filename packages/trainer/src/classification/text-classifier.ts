import type { SequenceClassifier, Tokenizer } from '@loran/models';

/** What training and prediction ask of a classifier. */
export type TextClassifier = Pick<SequenceClassifier, 'labels' | 'logits' | 'maxLength'> & {
  readonly tokenizer: Pick<Tokenizer, 'encode' | 'padId'>;
};
