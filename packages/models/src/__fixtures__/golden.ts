/** What transformers computes with the tiny BERT beside this file, made by tools/parity/models.py. */
import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import type { TokenBatch } from '../sequence-classifier.js';

type Rows = number[][];

export interface GoldenOutputs {
  readonly logits: Rows;
  readonly loss: number;
  readonly mean: Rows;
}

export interface Golden {
  readonly batch: { readonly input_ids: Rows; readonly attention_mask: Rows; readonly token_type_ids: Rows };
  readonly labels: number[];
  readonly F32: GoldenOutputs & {
    readonly meanLogits: Rows;
    readonly unmaskedLogits: Rows;
    readonly hiddenStates: Rows[][];
    readonly gradients: Readonly<Record<string, Rows>>;
  };
  readonly F16: GoldenOutputs;
  readonly BF16: GoldenOutputs;
  readonly activations: Readonly<Record<string, Rows>>;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export const tinyBert = here('tiny-bert');
export const golden = JSON.parse(readFileSync(join(tinyBert, 'golden.json'), 'utf8')) as Golden;

/** Token ids of texts, as the tokenizers library gives them, whole and truncated to 8. */
export interface GoldenTokens {
  readonly text: string;
  readonly ids: number[];
  readonly first8: number[];
}

export const goldenTokens = JSON.parse(readFileSync(join(tinyBert, 'golden-tokens.json'), 'utf8')) as GoldenTokens[];

export interface GoldenMiniLM {
  readonly sentences: string[];
  readonly ids: Rows;
  readonly mean: Rows;
  readonly firstHidden: Rows;
  readonly pooler: Rows;
  readonly tokens: GoldenTokens[];
  readonly postsDigest: string;
}

export const goldenMiniLM = JSON.parse(readFileSync(here('minilm.json'), 'utf8')) as GoldenMiniLM;

/** The padded batch of the golden outputs: three texts, one of them a pair. */
export function goldenBatch(): Required<TokenBatch> {
  const { input_ids, attention_mask, token_type_ids } = golden.batch;
  const int = (rows: Rows) => tf.tensor2d(rows, [rows.length, rows[0]!.length], 'int32');
  return { ids: int(input_ids), mask: int(attention_mask), tokenTypes: int(token_type_ids) };
}

/** Cross-entropy of logits against the golden labels, averaged over the batch. */
export function goldenLoss(logits: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const chosen = tf.mul(tf.logSoftmax(logits), tf.oneHot(tf.tensor1d(golden.labels, 'int32'), logits.shape[1]));
    return tf.neg(tf.mean<tf.Scalar>(tf.sum(chosen, 1)));
  });
}

/** A copy of the tiny BERT's folder to change, with other weights if named: 'tiny-bert-f16'. */
export function copyOfTinyBert(weights?: 'tiny-bert-f16' | 'tiny-bert-bf16'): string {
  const folder = mkdtempSync(join(tmpdir(), 'loran-models-'));
  cpSync(tinyBert, folder, { recursive: true });
  if (weights !== undefined) cpSync(here(join(weights, 'model.safetensors')), join(folder, 'model.safetensors'));
  return folder;
}

/** Largest difference between a tensor and golden numbers of the same shape. */
export async function difference(tensor: tf.Tensor, expected: unknown): Promise<number> {
  const numbers = (expected as number[]).flat(Infinity) as number[];
  const values = await tensor.data();
  if (values.length !== numbers.length) return Infinity;
  return numbers.reduce((most, number, i) => Math.max(most, Math.abs(values[i]! - number)), 0);
}
