/**
 * A transformer block small enough for finite differences: RMSNorm, rotary embedding, causal attention, SwiGLU, LoRA with a
 * sine on the update of q (as LoRAN has it), cross-entropy. Its values are made on the host, so that every backend has the same.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { linear } from '@loran/tensor';

const [batch, time, heads, size, hidden, vocabulary, rank] = [2, 5, 2, 4, 12, 11, 2];
const width = heads * size;

let state = 1;
const next = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32) * 2 - 1;
const made = (rows: number, columns: number, scale: number) =>
  Float32Array.from({ length: rows * columns }, () => next() * scale);

const frozen = Object.fromEntries(
  Object.entries({
    embedding: [vocabulary, width],
    q: [width, width],
    k: [width, width],
    v: [width, width],
    o: [width, width],
    gate: [hidden, width],
    up: [hidden, width],
    down: [width, hidden],
    head: [vocabulary, width],
  } as const).map(([name, [rows, columns]]) => [name, { rows, columns, values: made(rows, columns, 0.8) }]),
);

/** The trained parameters, as plain numbers. */
export const initial: Readonly<Record<string, { shape: [number, number]; values: Float32Array }>> = {
  qA: { shape: [rank, width], values: made(rank, width, 0.6) },
  qB: { shape: [width, rank], values: made(width, rank, 0.6) },
  vA: { shape: [rank, width], values: made(rank, width, 0.6) },
  vB: { shape: [width, rank], values: made(width, rank, 0.6) },
};

const tokens = Int32Array.from({ length: batch * time }, (_, i) => (i * 7) % vocabulary);
const labels = Int32Array.from({ length: batch * time }, (_, i) => (i * 5 + 2) % vocabulary);

/** Mean cross-entropy of the block's predictions on the current backend. */
export function loss(parameters: Readonly<Record<string, Tensor>>): tf.Scalar {
  const weight = (name: string): Tensor2D => {
    const { rows, columns, values } = frozen[name] as { rows: number; columns: number; values: Float32Array };
    return tf.tensor2d(values, [rows, columns]);
  };
  const [qA, qB, vA, vB] = ['qA', 'qB', 'vA', 'vB'].map((name) => parameters[name]) as Tensor2D[] as [
    Tensor2D,
    Tensor2D,
    Tensor2D,
    Tensor2D,
  ];

  const ids = tf.tensor2d(tokens, [batch, time], 'int32');
  const x: Tensor = tf.gather(weight('embedding'), ids); // [batch, time, width]
  const normal = rmsNorm(x);
  const q = linear(normal, tf.add(weight('q'), tf.sin(tf.matMul(qB, qA)))); // weight space, as in LoRAN
  const v = tf.add(linear(normal, weight('v')), tf.mul(linear(linear(normal, vA), vB), 2)); // factored, as in LoRA
  const attended = attention(rotate(split(q)), rotate(split(linear(normal, weight('k')))), split(v));
  const h = tf.add(x, linear(attended, weight('o')));
  const gate = linear(rmsNorm(h), weight('gate'));
  const y = tf.add(h, linear(tf.mul(tf.mul(gate, tf.sigmoid(gate)), linear(rmsNorm(h), weight('up'))), weight('down')));
  const logits = linear(rmsNorm(y), weight('head'));
  const targets = tf.oneHot(tf.tensor2d(labels, [batch, time], 'int32'), vocabulary);
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), targets), -1))) as tf.Scalar;
}

function rmsNorm(x: Tensor): Tensor {
  return tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5)));
}

function split(x: Tensor): Tensor4D {
  return tf.transpose(tf.reshape(x, [batch, time, heads, size]) as Tensor4D, [0, 2, 1, 3]); // [batch, heads, time, size]
}

function rotate(x: Tensor4D): Tensor4D {
  const half = size / 2;
  const angles = Float32Array.from(
    { length: time * size },
    (_, i) => Math.floor(i / size) / 100 ** ((i % half) / half),
  );
  const table = tf.tensor2d(angles, [time, size]);
  const [first, second] = tf.split(x, 2, 3) as [Tensor4D, Tensor4D];
  return tf.add(tf.mul(x, tf.cos(table)), tf.mul(tf.concat([tf.neg(second), first], 3), tf.sin(table)));
}

function attention(q: Tensor4D, k: Tensor4D, v: Tensor4D): Tensor {
  const mask = tf.linalg.bandPart(tf.ones<tf.Rank.R2>([time, time]), -1, 0);
  const scores = tf.mul(tf.matMul(q as Tensor, k as Tensor, false, true), 1 / Math.sqrt(size));
  const causal = tf.add(scores, tf.mul(tf.sub(mask, 1), 1e9));
  const mixed = tf.matMul(tf.softmax(causal), v as Tensor);
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, time, width]);
}

/** The parameters as tensors of the current backend. */
export function parameterTensors(values: typeof initial = initial): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(values).map(([name, { shape, values: v }]) => [name, tf.tensor2d(v, shape)]),
  );
}
