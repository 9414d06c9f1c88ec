/**
 * One training step of a Llama-shaped model with LoRA, in plain tfjs ops: what the engine is measured on.
 *
 *   h = x + Wo·attention(rope(Wq n(x)), rope(Wk n(x)), Wv n(x))       n: RMSNorm, Wq and Wv with LoRA
 *   y = h + Wdown(silu(Wgate n(h)) · Wup n(h))
 *   loss = mean cross-entropy of softmax(Whead n(y)) with the next tokens; then AdamW on the LoRA matrices
 *
 * Multi-head attention without grouping, an untied head, every position supervised: no work is saved anywhere.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs-core';
import { variable } from '@loran/tensor';
import { adamW } from './adamw.js';
import { valueStream } from './values.js';

export interface Shape {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly rank: number;
  readonly batch: number;
  readonly time: number;
}

interface Adapted {
  readonly weight: Tensor2D; // [out, in], frozen
  readonly A: Variable; // [rank, in]
  readonly B: Variable; // [out, rank]
}

interface Layer {
  readonly q: Adapted;
  readonly k: Tensor2D;
  readonly v: Adapted;
  readonly o: Tensor2D;
  readonly gate: Tensor2D;
  readonly up: Tensor2D;
  readonly down: Tensor2D;
}

export interface TrainingStep {
  /** The LoRA matrices. */
  readonly variables: readonly Variable[];
  /** Appends one whole step on new tokens and returns its loss, unread. */
  run(): Tensor;
}

export function trainingStep(shape: Shape): TrainingStep {
  const { layers, width, hidden, vocabulary, rank, batch, time } = shape;
  const { uniform, integers } = valueStream(1);
  const weight = (rows: number, columns: number) => uniform([rows, columns], Math.sqrt(3 / columns)); // variance 1/columns
  const variables: Variable[] = [];
  const adapted = (rows: number, columns: number): Adapted => {
    const A = variable(uniform([rank, columns], 1 / Math.sqrt(columns)));
    const B = variable(uniform([rows, rank], 1e-3));
    variables.push(A, B);
    return { weight: weight(rows, columns), A, B };
  };

  const embedding = weight(vocabulary, width);
  const head = weight(vocabulary, width);
  const stack: Layer[] = Array.from({ length: layers }, () => ({
    q: adapted(width, width),
    k: weight(width, width),
    v: adapted(width, width),
    o: weight(width, width),
    gate: weight(hidden, width),
    up: weight(hidden, width),
    down: weight(width, hidden),
  }));
  const norm = tf.ones<tf.Rank.R1>([width]);
  const rotation = rotary(shape);
  const mask = causalMask(time);
  const update = adamW(variables, { learningRate: 1e-4, weightDecay: 0.01 });

  const lossOf = (tokens: Tensor1D, labels: Tensor1D): tf.Scalar => {
    let x: Tensor2D = tf.gather(embedding, tokens); // [batch * time, width]
    for (const layer of stack) {
      x = tf.add(x, attention(layer, rmsNorm(x, norm), shape, rotation, mask));
      x = tf.add(x, swiGlu(layer, rmsNorm(x, norm)));
    }
    return crossEntropy(times(rmsNorm(x, norm), head), labels);
  };

  return {
    variables,
    run: () =>
      tf.tidy(() => {
        const tokens = integers(batch * time, vocabulary);
        const labels = integers(batch * time, vocabulary);
        const { value, grads } = tf.variableGrads(() => lossOf(tokens, labels), [...variables]);
        update(variables.map(({ name }) => grads[name] as Tensor));
        return value;
      }),
  };
}

/** x Wᵀ */
const times = (x: Tensor2D, w: Tensor2D): Tensor2D => tf.matMul(x, w, false, true);

/** x (W + 2 B A)ᵀ, factored */
function project(x: Tensor2D, { weight, A, B }: Adapted): Tensor2D {
  const update = times(times(x, A as unknown as Tensor2D), B as unknown as Tensor2D);
  return tf.add(times(x, weight), tf.mul(update, 2));
}

function rmsNorm(x: Tensor2D, weight: Tensor1D): Tensor2D {
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5)); // [rows, 1]
  return tf.mul(tf.mul(x, scale), weight);
}

function swiGlu({ gate, up, down }: Layer, x: Tensor2D): Tensor2D {
  const z = times(x, gate);
  return times(tf.mul(tf.mul(z, tf.sigmoid(z)), times(x, up)), down);
}

function attention(
  { q, k, v, o }: Layer,
  x: Tensor2D,
  { batch, time, heads, width }: Shape,
  rotation: Rotation,
  mask: Tensor2D,
): Tensor2D {
  const size = width / heads;
  const split = (y: Tensor2D): Tensor4D =>
    tf.transpose(tf.reshape(y, [batch, time, heads, size]) as Tensor4D, [0, 2, 1, 3]); // [batch, heads, time, size]
  const queries = tf.mul(rotate(split(project(x, q)), rotation), 1 / Math.sqrt(size)); // fewer values than the scores
  const keys = rotate(split(times(x, k)), rotation);
  const scores = tf.matMul(queries as Tensor, keys as Tensor, false, true); // [batch, heads, time, time]
  const mixed = tf.matMul(tf.softmax(tf.add(scores, mask)), split(project(x, v)) as Tensor);
  return times(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch * time, width]), o);
}

interface Rotation {
  readonly cos: Tensor2D; // [time, size]
  readonly sin: Tensor2D;
}

function rotary({ time, width, heads }: Shape): Rotation {
  const half = width / heads / 2;
  const angles = Float32Array.from({ length: time * 2 * half }, (_, i) => {
    const position = Math.floor(i / (2 * half));
    return position * 10_000 ** (-(i % half) / half);
  });
  const table = tf.tensor2d(angles, [time, 2 * half]);
  return { cos: tf.cos(table), sin: tf.sin(table) };
}

/** Rotary position embedding, with the halves rotated into each other as in the Hugging Face models. */
function rotate(x: Tensor4D, { cos, sin }: Rotation): Tensor4D {
  const [first, second] = tf.split(x, 2, 3) as [Tensor4D, Tensor4D];
  return tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(second), first], 3), sin));
}

/** 0 where a position may look, a large negative number where it may not. */
function causalMask(time: number): Tensor2D {
  const values = Float32Array.from({ length: time * time }, (_, i) => (i % time > Math.floor(i / time) ? -1e9 : 0));
  return tf.tensor2d(values, [time, time]);
}

function crossEntropy(logits: Tensor2D, labels: Tensor1D): tf.Scalar {
  const targets = tf.oneHot(labels, logits.shape[1], 1, 0, 'float32');
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), targets), -1))) as tf.Scalar;
}
