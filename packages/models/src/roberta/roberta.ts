/**
 * RoBERTa (Liu et al. 2019, arXiv 1907.11692) and XLM-RoBERTa: BERT's encoder, whose positions count tokens from one behind the
 * padding id, and with two layers for a head: out_proj(dropout(tanh(dense(dropout(state of <s>))))).
 */
import { bertFacts, parseBertConfig } from '../bert/config.js';
import { defineEncoderFamily } from '../encoder/encoder-family.js';

export const roberta = defineEncoderFamily({
  name: 'roberta',
  modelTypes: ['roberta', 'xlm-roberta'],
  architectures: [
    'RobertaModel',
    'RobertaForSequenceClassification',
    'RobertaForMaskedLM',
    'XLMRobertaModel',
    'XLMRobertaForSequenceClassification',
    'XLMRobertaForMaskedLM',
  ],
  factsOf: ({ name, config: json }) => {
    const config = parseBertConfig(name, json);
    const dropout = config.classifier_dropout ?? config.hidden_dropout_prob;
    return {
      ...bertFacts(config),
      family: 'roberta',
      prefix: 'roberta.',
      firstPosition: (config.pad_token_id ?? 1) + 1,
      head: {
        dense: { path: 'classifier.dense', activation: 'tanh', dropout, pretrained: false },
        out: 'classifier.out_proj',
        dropout,
        modules: ['classifier'],
      },
    };
  },
});
