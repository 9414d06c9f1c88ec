/**
 * DistilBERT (Sanh et al. 2019, arXiv 1910.01108): BERT's layers under names of their own, without token types, and with
 * classifier(dropout(relu(pre_classifier(first state)))) for a head.
 *
 *   transformer.layer.N.attention.{q,k,v,out}_lin, .sa_layer_norm, .ffn.{lin1,lin2}, .output_layer_norm
 */
import { z } from 'zod';
import { activation, headWidthOf, rate, size } from '../decoder/decoder-config.js';
import { defineEncoderFamily } from '../encoder/encoder-family.js';
import { parseModelConfig } from '../folder/parse-model-config.js';

const schema = z.object({
  vocab_size: size,
  max_position_embeddings: size.default(512),
  n_layers: size,
  n_heads: size,
  dim: size,
  hidden_dim: size,
  dropout: rate.default(0.1),
  attention_dropout: rate.default(0.1),
  activation: activation.default('gelu'),
  seq_classif_dropout: rate.default(0.2),
});

export const distilbert = defineEncoderFamily({
  name: 'distilbert',
  modelTypes: ['distilbert'],
  architectures: ['DistilBertModel', 'DistilBertForSequenceClassification', 'DistilBertForMaskedLM'],
  factsOf: ({ name, config: json }) => {
    const config = parseModelConfig(name, 'DistilBERT encoder', schema, json);
    const { heads } = headWidthOf(name, { hidden_size: config.dim, num_attention_heads: config.n_heads });
    return {
      family: 'distilbert',
      prefix: 'distilbert.',
      vocabulary: config.vocab_size,
      width: config.dim,
      inner: config.hidden_dim,
      heads,
      layers: config.n_layers,
      positions: config.max_position_embeddings,
      epsilon: 1e-12,
      activation: config.activation,
      dropout: {
        embeddings: config.dropout,
        attentionOutput: 0,
        attention: config.attention_dropout,
        output: config.dropout,
      },
      layerPath: (n) => `transformer.layer.${n}`,
      names: {
        query: 'attention.q_lin',
        key: 'attention.k_lin',
        value: 'attention.v_lin',
        attentionOutput: 'attention.out_lin',
        attentionNorm: 'sa_layer_norm',
        intermediate: 'ffn.lin1',
        output: 'ffn.lin2',
        outputNorm: 'output_layer_norm',
      },
      head: {
        dense: { path: 'pre_classifier', activation: 'relu', dropout: 0, pretrained: false },
        out: 'classifier',
        dropout: config.seq_classif_dropout,
        modules: ['pre_classifier', 'classifier'],
      },
      targetModules: ['q_lin', 'v_lin'],
    };
  },
});
