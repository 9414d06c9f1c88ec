/** What transformers computes with the tiny decoders beside this file, made by tools/parity/decoders.py. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { TokenBatch } from '../sequence-classifier.js';

type Rows = number[][];

export interface GoldenDecoder {
  readonly texts: Rows;
  /** The id to predict at each token, shifted by one when used; −100 is not supervised. */
  readonly labels: Rows;
  readonly right: { readonly logits: Rows; readonly loss: number };
  readonly left: { readonly logits: Rows; readonly loss: number };
  /** Logits of the first text alone. */
  readonly plain: Rows;
  /** The first four rows of some weights' gradients of the loss, padded on the right. */
  readonly gradients: Readonly<Record<string, Rows>>;
  /** Twelve tokens that follow each text, padded on the left. */
  readonly greedy: Rows;
}

const root = fileURLToPath(new URL('decoders', import.meta.url));

/** The names of all tiny decoders. */
export const decoderNames = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** The folder of a tiny decoder, as it is committed: without a tokenizer. */
export const decoderPath = (name: string): string => join(root, name);

export const goldenDecoder = (name: string): GoldenDecoder =>
  JSON.parse(readFileSync(join(root, name, 'golden.json'), 'utf8')) as GoldenDecoder;

/** Logits of the last eight tokens, padded on the right, with the adapter in the decoder's folder; none: it has no adapter. */
export function goldenAdapted(name: string): Rows | undefined {
  const file = join(root, name, 'adapted.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { logits: Rows }).logits : undefined;
}

/** A tiny decoder's folder with the tokenizer that they share, for as long as `use` runs. */
export const withDecoderFolder = <T>(name: string, use: (folder: string) => Promise<T>): Promise<T> =>
  withTokenizer(join(root, name), use);

/** A copy of a tiny model's folder with the tokenizer that tiny decoders share, for as long as `use` runs. */
export async function withTokenizer<T>(model: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'loran-model-'));
  try {
    cpSync(model, folder, { recursive: true });
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) cpSync(join(root, file), join(folder, file));
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The texts as one batch, padded on a side. */
export function paddedBatch(texts: Rows, side: 'left' | 'right'): Required<Omit<TokenBatch, 'tokenTypes'>> {
  return {
    ids: tf.tensor2d(padded(texts, side, 0), undefined, 'int32'),
    mask: tf.tensor2d(
      padded(
        texts.map((text) => text.map(() => 1)),
        side,
        0,
      ),
      undefined,
      'int32',
    ),
  };
}

export function padded(rows: Rows, side: 'left' | 'right', fill: number): Rows {
  const longest = Math.max(...rows.map((row) => row.length));
  return rows.map((row) => {
    const padding = Array.from({ length: longest - row.length }, () => fill);
    return side === 'right' ? [...row, ...padding] : [...padding, ...row];
  });
}

/** The rows of a flattened [batch·time, …] that belong to tokens. */
export function tokenRows(x: Tensor2D, texts: Rows, side: 'left' | 'right'): Tensor2D {
  const flags = padded(
    texts.map((text) => text.map(() => 1)),
    side,
    0,
  ).flat();
  const rows = flags.flatMap((flag, i) => (flag === 1 ? [i] : []));
  return tf.gather(x, tf.tensor1d(rows, 'int32'));
}

/** Mean cross-entropy of each token's successor where it is supervised. scores [batch·time, vocabulary] */
export function nextTokenLoss(scores: Tensor2D, labels: Rows, side: 'left' | 'right'): tf.Scalar {
  return tf.tidy(() => {
    const rows: number[] = [];
    const targets: number[] = [];
    padded(labels, side, -100).forEach((row, b) => {
      row.slice(1).forEach((label, t) => {
        if (label === -100) return;
        rows.push(b * row.length + t);
        targets.push(label);
      });
    });
    const chosen = tf.gather(tf.logSoftmax(scores), tf.tensor1d(rows, 'int32'));
    const hits = tf.mul(chosen, tf.oneHot(tf.tensor1d(targets, 'int32'), scores.shape[1]));
    return tf.neg(tf.div<tf.Scalar>(tf.sum(hits), rows.length));
  });
}
