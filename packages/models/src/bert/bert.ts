/**
 * BERT (Devlin et al. 2019, arXiv 1810.04805) and the models of its shape (MiniLM, and what sentence-transformers made of them):
 *
 *   embeddings.{word,position,token_type}_embeddings, .LayerNorm
 *   encoder.layer.N.attention.self.{query,key,value}, .attention.output.{dense,LayerNorm}
 *   encoder.layer.N.intermediate.dense, .output.{dense,LayerNorm}
 *   pooler.dense, classifier      dropout(tanh(pooler(first state))) under the classifier, with 'cls' pooling only
 *
 * With 'cls' pooling the model is a BertForSequenceClassification, whose encoder stands under 'bert.'; with 'mean' it is the
 * BertModel itself, without that prefix. Adapters are saved under these paths, so each loads onto the class it was trained as.
 */
import { defineEncoderFamily } from '../encoder/encoder-family.js';
import { bertFacts, parseBertConfig } from './config.js';

export const bert = defineEncoderFamily({
  name: 'bert',
  modelTypes: ['bert'],
  architectures: ['BertModel', 'BertForSequenceClassification', 'BertForMaskedLM', 'BertForPreTraining'],
  factsOf: ({ name, config: json }) => {
    const config = parseBertConfig(name, json);
    return {
      ...bertFacts(config),
      family: 'bert',
      prefix: 'bert.',
      head: {
        dense: { path: 'bert.pooler.dense', activation: 'tanh', dropout: 0, pretrained: true },
        out: 'classifier',
        dropout: config.classifier_dropout ?? config.hidden_dropout_prob,
        modules: ['classifier'],
      },
    };
  },
});
