/**
 * The modules of a BERT encoder under transformers' paths (Devlin et al. 2019, arXiv 1810.04805).
 *
 *   bert.embeddings.{word,position,token_type}_embeddings, .LayerNorm
 *   bert.encoder.layer.N.attention.self.{query,key,value}, .attention.output.{dense,LayerNorm}
 *   bert.encoder.layer.N.intermediate.dense, .output.{dense,LayerNorm}
 *   bert.pooler.dense          with 'cls' pooling only
 */
import type { ModuleSpec } from '../checkpoint/module-spec.js';
import type { Pooling } from '../sequence-classifier.js';
import type { BertConfig } from './config.js';

export function bertModules(config: BertConfig, pooling: Pooling): ModuleSpec[] {
  const { hidden_size: width, intermediate_size: inner } = config;
  const embedding = (name: string, rows: number): ModuleSpec => ({
    kind: 'embedding',
    path: `bert.embeddings.${name}`,
    rows,
    columns: width,
  });
  const linear = (path: string, rows: number, columns: number): ModuleSpec => ({ kind: 'linear', path, rows, columns });
  const layerNorm = (path: string): ModuleSpec => ({ kind: 'layer-norm', path, size: width });
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
    layerNorm('bert.embeddings.LayerNorm'),
    ...Array.from({ length: config.num_hidden_layers }, (_, n) => layer(layerPath(n))).flat(),
    ...(pooling === 'cls' ? [linear('bert.pooler.dense', width, width)] : []),
  ];
}

export const layerPath = (n: number): string => `bert.encoder.layer.${n}`;

/** Names under which a tensor may be stored: without the prefix in a plain BertModel, and TensorFlow's gamma and beta. */
export function storedNames(name: string): readonly string[] {
  return [name, name.replace(/^bert\./, '')].flatMap((candidate) => [
    candidate,
    candidate.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta'),
  ]);
}
