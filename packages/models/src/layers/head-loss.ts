/**
 * Cross-entropy of an output head, without ever holding the scores of all rows.
 *
 *   z = cap(s·h Wᵀ)      loss = log Σ exp z − z[target]      cap(u) = c·tanh(u / c), where there is a cap c
 *   dh = s·((p ⊙ cap′) W − cap′[target]·W[target])           p = softmax z      cap′ = 1 − (z / c)²
 *
 *   h [rows, width]      W [vocabulary, width]      targets, loss [rows]
 *
 *   dW = s·gᵀ h      g = dloss·cap′ ⊙ (p − onehot(target))           where W is trained: h and W are kept, z is computed again
 *
 * Rows are taken in chunks, one after another, and each chunk's gradient is formed with its scores: of [rows, vocabulary]
 * nothing is kept for the backward pass. That holds while the head is frozen, and where it is trained whole; with another adapter
 * on it autodiff keeps the scores, since the adapter's gradient needs them.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradSaveFunc, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { Pass, Slot } from '@loran/adapter';
import { after } from '@loran/tensor';

export interface OutputHead {
  readonly slot: Slot;
  /** Scores z become c·tanh(z / c); default: as they are. */
  readonly cap?: number | undefined;
  /** Factor of the scores, before the cap; default 1. */
  readonly scale?: number | undefined;
}

/** Scores of rows of hidden states. -> [rows, vocabulary] */
export function headScores({ slot, cap, scale = 1 }: OutputHead, hidden: Tensor2D, pass: Pass): Tensor2D {
  return tf.tidy(() => {
    const products = slot.apply(hidden, pass) as Tensor2D;
    const scaled = scale === 1 ? products : tf.mul<Tensor2D>(products, scale);
    return cap === undefined ? scaled : tf.mul<Tensor2D>(tf.tanh(tf.div(scaled, cap)), cap);
  });
}

/** Rows whose scores take at most so many bytes are one chunk. */
const chunkBytes = 128 * 2 ** 20;

/** The loss of each row, in nats. targets [rows] int32 -> [rows] */
export function headLosses(
  head: OutputHead,
  hidden: Tensor2D,
  targets: Tensor1D,
  pass: Pass,
  bytes = chunkBytes,
): Tensor1D {
  return tf.tidy(() => {
    const [rows, width] = hidden.shape;
    const { slot } = head;
    const size = Math.max(1, Math.floor(bytes / (4 * slot.frozen.rows)));
    const ofChunk = lossesOf(head, pass);
    if (rows <= size) return ofChunk(hidden, targets);
    const chunks: Tensor1D[] = [];
    for (let start = 0; start < rows; start += size) {
      const count = Math.min(size, rows - start);
      const h = tf.slice(hidden, [start, 0], [count, width]);
      const last = chunks.at(-1);
      chunks.push(ofChunk(last === undefined ? h : after(h, last), tf.slice(targets, [start], [count])));
    }
    return tf.concat(chunks);
  });
}

type Losses = (hidden: Tensor2D, targets: Tensor1D) => Tensor1D;

function lossesOf(head: OutputHead, pass: Pass): Losses {
  const { slot } = head;
  const layers = [...slot.active().values()];
  const isPlain = pass.rows === undefined && !slot.merged && slot.frozen.bias === null;
  if (isPlain && layers.length === 0) return frozenLosses(head);
  const weight = isPlain && layers.length === 1 ? layers[0]?.replacement?.() : undefined;
  return weight === undefined ? (h, t) => adaptedLosses(head, h, t, pass) : trainedLosses(head, weight);
}

/** Losses of each row for a trained weight [vocabulary, width]; the backward pass computes the scores again. */
function trainedLosses({ cap, scale = 1 }: OutputHead, weight: Tensor2D): Losses {
  const bent = <T extends Tensor>(u: T): T => (cap === undefined ? u : tf.mul<T>(tf.tanh(tf.div(u, cap)), cap));
  const slope = <T extends Tensor>(z: T, times: T): T =>
    cap === undefined ? times : tf.mul<T>(times, tf.sub(1, tf.square(tf.div(z, cap))));
  const scaled = <T extends Tensor>(x: T): T => (scale === 1 ? x : tf.mul<T>(x, scale));
  const scoresOf = (h: Tensor2D, w: Tensor2D): Tensor2D => bent(tf.matMul(h, w, false, true));
  const ownScores = (h: Tensor2D, w: Tensor2D, t: Tensor1D): Tensor2D =>
    bent(tf.sum<Tensor2D>(tf.mul(h, tf.gather(w, t)), 1, true));
  const losses = (...[x, w, t, save]: [Tensor2D, Tensor2D, Tensor1D, GradSaveFunc]) => {
    const h = scaled(x);
    const z = scoresOf(h, w); // [rows, vocabulary]
    const most = tf.max(z, 1, true);
    const logSum = tf.add<Tensor2D>(tf.log(tf.sum(tf.exp(tf.sub(z, most)), 1, true)), most); // [rows, 1]
    save([x, w, t, logSum]);
    return {
      value: tf.squeeze(tf.sub(logSum, ownScores(h, w, t)), [1]),
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        tf.tidy(() => {
          const [x, w, t, logSum] = saved as [Tensor2D, Tensor2D, Tensor1D, Tensor2D];
          const column = tf.expandDims(dy, 1) as Tensor2D; // [rows, 1]
          const h = scaled(after(x, dy));
          const z = scoresOf(h, w);
          const g = slope(z, tf.mul(tf.exp(tf.sub(z, logSum)), column)); // [rows, vocabulary]
          const gOwn = slope(ownScores(h, w, t), column); // [rows, 1]
          const dh = tf.sub(tf.matMul(g, w), tf.mul(tf.gather(w, t), gOwn));
          const dW = tf.sub(tf.matMul(g, h, true), tf.unsortedSegmentSum(tf.mul(h, gOwn), t, w.shape[0]));
          return [scaled(dh), dW, tf.zerosLike(t)];
        }),
    };
  };
  return (hidden, targets) =>
    tf.customGrad(losses as unknown as Parameters<typeof tf.customGrad>[0])(hidden, weight, targets) as Tensor1D;
}

/** Losses of each row, with the gradient formed in the forward pass. */
function frozenLosses({ slot, cap, scale = 1 }: OutputHead): Losses {
  return (hidden, targets) =>
    tf.customGrad((input: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
      const h = input as Tensor2D;
      const weight = slot.frozen.weight(); // [vocabulary, width]
      const bent = (u: Tensor) => (cap === undefined ? u : tf.mul(tf.tanh(tf.div(u, cap)), cap));
      const slope = (z: Tensor, times: Tensor) =>
        cap === undefined ? times : tf.mul(times, tf.sub(1, tf.square(tf.div(z, cap))));
      const scaled = scale === 1 ? h : tf.mul(h, scale);
      const z = bent(tf.matMul(scaled as Tensor2D, weight, false, true)); // [rows, vocabulary]
      const most = tf.max(z, 1, true);
      const e = tf.exp(tf.sub(z, most));
      const sum = tf.sum(e, 1, true); // [rows, 1]
      const own = tf.gather(weight, targets); // [rows, width]
      const zOwn = bent(tf.sum(tf.mul(scaled, own), 1, true)); // [rows, 1]
      const rise = tf.sub(tf.div(tf.matMul(slope(z, e) as Tensor2D, weight), sum), slope(zOwn, own)); // [rows, width]
      (save as GradSaveFunc)([scale === 1 ? rise : tf.mul(rise, scale)]);
      return {
        value: tf.squeeze(tf.sub(tf.add(tf.log(sum), most), zOwn), [1]),
        gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(saved[0]!, tf.expandDims(dy, 1)),
      };
    })(hidden) as Tensor1D;
}

function adaptedLosses(head: OutputHead, hidden: Tensor2D, targets: Tensor1D, pass: Pass): Tensor1D {
  const z = headScores(head, hidden, pass);
  const chosen = tf.sum(tf.mul(z, tf.oneHot(targets, z.shape[1])), 1);
  return tf.sub(tf.logSumExp(z, 1), chosen);
}
