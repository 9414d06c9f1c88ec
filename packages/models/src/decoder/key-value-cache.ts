/**
 * Keys and values of the tokens that a decoder has already seen, so that each new token costs one row.
 *
 * The tensors have room for `capacity` tokens from the start and the place to write is a number in a tensor: the graph of
 * a step is the same for all steps, and nothing is compiled again until the cache grows. What a step does may even be recorded
 * and repeated (`record` of @loran/tensor), since all that changes from one to the next are these tensors and the token.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';

/** How much one layer keeps of a token. */
export interface CacheShape {
  readonly layers: number;
  readonly heads: number;
  readonly keyWidth: number;
  readonly valueWidth: number;
}

export class KeyValueCache {
  readonly batch: number;
  readonly shape: CacheShape;
  #capacity: number;
  #length = 0;
  #keys: Tensor4D[] = []; // each [batch, heads, capacity, width]; none before the first tokens
  #values: Tensor4D[] = [];
  #mask: Tensor2D | undefined; // [batch, capacity], 1 for a token
  #start: Tensor | undefined; // [] int32, equal to #length
  #isRepeatable = true;

  constructor(shape: CacheShape, batch: number, capacity: number) {
    this.shape = shape;
    this.batch = batch;
    this.#capacity = capacity;
  }

  /** Tokens there is room for. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Columns in use, padding included. */
  get length(): number {
    return this.#length;
  }

  /** The column that the next token is written to, as a tensor. */
  get start(): Tensor {
    return (this.#start ??= tf.keep(tf.scalar(this.#length, 'int32')));
  }

  /** Whether a step that was recorded computes what the next one would. */
  get isRepeatable(): boolean {
    return this.#isRepeatable;
  }

  /** To be called where a step depends on the length by more than `start` and the mask. */
  refuseRepeats(): void {
    this.#isRepeatable = false;
  }

  /** Everything that a step reads and replaces, in an order that stays. */
  tensors(): Tensor[] {
    return [this.start, ...(this.#mask === undefined ? [] : [this.#mask]), ...this.#keys, ...this.#values];
  }

  /** What `tensors` gave after a step of `time` tokens that was repeated elsewhere; takes them over. */
  adopt(tensors: readonly Tensor[], time: number): void {
    tf.dispose(this.tensors());
    const [start, mask, ...rest] = tensors.map((tensor) => tf.keep(tensor));
    this.#start = start;
    this.#mask = mask as Tensor2D;
    this.#keys = rest.slice(0, rest.length / 2) as Tensor4D[];
    this.#values = rest.slice(rest.length / 2) as Tensor4D[];
    this.#length += time;
  }

  get byteLength(): number {
    return [...this.#keys, ...this.#values].reduce((sum, { size }) => sum + 4 * size, 0);
  }

  /** Which columns hold tokens, once `mask` [batch, time] is written at `start`; the cache keeps the result. */
  extendMask(mask: Tensor2D | undefined, time: number, start: Tensor): Tensor2D {
    const next = tf.tidy(() => {
      const added = mask === undefined ? tf.ones([this.batch, time]) : tf.cast(mask, 'float32');
      const old = this.#mask ?? tf.zeros([this.batch, this.#capacity]);
      return written(old, added, start, 1) as Tensor2D;
    });
    this.#mask?.dispose();
    this.#mask = tf.keep(next);
    return next;
  }

  /** Tokens of each text before those at `start`. -> [batch, 1] float32 */
  tokensBefore(): Tensor2D {
    return this.#mask === undefined ? tf.zeros([this.batch, 1]) : tf.sum<Tensor2D>(this.#mask, 1, true);
  }

  /** Writes one layer's keys and values [batch, heads, time, width] at `start`; returns those of all columns. */
  append(layer: number, keys: Tensor4D, values: Tensor4D, start: Tensor): { keys: Tensor4D; values: Tensor4D } {
    return {
      keys: this.#write(this.#keys, layer, keys, start),
      values: this.#write(this.#values, layer, values, start),
    };
  }

  #write(kept: Tensor4D[], layer: number, added: Tensor4D, start: Tensor): Tensor4D {
    const [batch, heads, time, width] = added.shape;
    const old = kept[layer];
    const next = tf.tidy((): Tensor4D => {
      const rest = this.#capacity - time;
      if (old !== undefined) return written(old, added, start, 2) as Tensor4D;
      return rest === 0 ? tf.clone(added) : tf.concat([added, tf.zeros([batch, heads, rest, width])], 2);
    });
    old?.dispose();
    kept[layer] = tf.keep(next);
    return next;
  }

  /** Counts tokens as seen; called when all layers have them. */
  advance(time: number): void {
    const before = this.start;
    this.#start = tf.keep(tf.tidy(() => tf.add(before, tf.scalar(time, 'int32'))));
    before.dispose();
    this.#length += time;
  }

  /** Room for `capacity` tokens; what is kept stays. */
  grow(capacity: number): void {
    const more = capacity - this.#capacity;
    if (more <= 0) return;
    const wider = <T extends Tensor>(tensor: T, axis: number): T => {
      const next = tf.tidy(() => {
        const shape = tensor.shape.map((size, i) => (i === axis ? more : size));
        return tf.keep(tf.concat([tensor, tf.zeros(shape)], axis) as T);
      });
      tensor.dispose();
      return next;
    };
    this.#keys = this.#keys.map((keys) => wider(keys, 2));
    this.#values = this.#values.map((values) => wider(values, 2));
    if (this.#mask !== undefined) this.#mask = wider(this.#mask, 1);
    this.#capacity = capacity;
  }

  dispose(): void {
    tf.dispose([this.#keys, this.#values, this.#mask ?? [], this.#start ?? []]);
    this.#keys = [];
    this.#values = [];
    this.#mask = undefined;
    this.#start = undefined;
    this.#length = 0;
  }
}

/** `old` with `added` in place of its entries from `start` on, along an axis. One entry needs no gathering. */
function written(old: Tensor, added: Tensor, start: Tensor, axis: number): Tensor {
  const [size = 0, time = 0] = [old.shape[axis], added.shape[axis]];
  const columns = tf.range(0, size, 1, 'int32');
  const offset = tf.sub(columns, start); // place of each column in `added`
  const inside = tf.logicalAnd(tf.greaterEqual(offset, 0), tf.less(offset, time));
  const spread = time === 1 ? added : tf.gather(added, tf.clipByValue(offset, 0, time - 1), axis);
  const shape = old.shape.map((length, i) => (i === axis ? length : 1));
  return tf.where(tf.reshape(inside, shape), spread, old);
}
