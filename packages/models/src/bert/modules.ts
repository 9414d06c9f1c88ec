/**
 * The modules of a BERT encoder under transformers' paths (Devlin et al. 2019, arXiv 1810.04805).
 *
 *   embeddings.{word,position,token_type}_embeddings, .LayerNorm
 *   encoder.layer.N.attention.self.{query,key,value}, .attention.output.{dense,LayerNorm}
 *   encoder.layer.N.intermediate.dense, .output.{dense,LayerNorm}
 *   pooler.dense               with 'cls' pooling only
 *
 * With 'cls' pooling the model is a BertForSequenceClassification, whose encoder stands under 'bert.'; with 'mean' it is the
 * BertModel itself, without that prefix. Adapters are saved under these paths, so each loads onto the class it was trained as.
 */
import type { ModuleSpec } from '../checkpoint/module-spec.js';
import type { Pooling } from '../sequence-classifier.js';
import type { BertConfig } from './config.js';

/** Prefix of the encoder's paths. */
export const encoderRoot = (pooling: Pooling): string => (pooling === 'cls' ? 'bert.' : '');

export function bertModules(config: BertConfig, pooling: Pooling): ModuleSpec[] {
  const { hidden_size: width, intermediate_size: inner } = config;
  const root = encoderRoot(pooling);
  const embedding = (name: string, rows: number): ModuleSpec => ({
    kind: 'embedding',
    path: `${root}embeddings.${name}`,
    rows,
    columns: width,
  });
  const linear = (path: string, rows: number, columns: number): ModuleSpec => ({
    kind: 'linear',
    path,
    rows,
    columns,
    bias: true,
  });
  const layerNorm = (path: string): ModuleSpec => ({
    kind: 'layer-norm',
    path,
    size: width,
    epsilon: config.layer_norm_eps,
  });
  const layer = (path: string): ModuleSpec[] => [
    ...['query', 'key', 'value'].map((name) => linear(`${path}.attention.self.${name}`, width, width)),
    linear(`${path}.attention.output.dense`, width, width),
    layerNorm(`${path}.attention.output.LayerNorm`),
    linear(`${path}.intermediate.dense`, inner, width),
    linear(`${path}.output.dense`, width, inner),
    layerNorm(`${path}.output.LayerNorm`),
  ];
  return [
    embedding('word_embeddings', config.vocab_size),
    embedding('position_embeddings', config.max_position_embeddings),
    embedding('token_type_embeddings', config.type_vocab_size),
    layerNorm(`${root}embeddings.LayerNorm`),
    ...Array.from({ length: config.num_hidden_layers }, (_, n) => layer(layerPath(root, n))).flat(),
    ...(pooling === 'cls' ? [linear(`${root}pooler.dense`, width, width)] : []),
  ];
}

export const layerPath = (root: string, n: number): string => `${root}encoder.layer.${n}`;

/** Names under which a tensor may be stored: with the prefix or without, and TensorFlow's gamma and beta. */
export function storedNames(name: string): readonly string[] {
  return [name, name.replace(/^bert\./, ''), `bert.${name}`].flatMap((candidate) => [
    candidate,
    candidate.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta'),
  ]);
}
