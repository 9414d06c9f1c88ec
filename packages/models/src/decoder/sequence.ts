/**
 * Where the tokens of one forward pass stand: their positions, what they may look at, and what came before them.
 *
 * Columns are places in the padded rectangle, cached ones included; positions count tokens alone. A token looks at columns up
 * to its own that hold tokens, in a window of the last n columns where the layer has one.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { closed } from '../layers/additive-mask.js';
import { rotation, type Rotation } from '../layers/rotary/rotate.js';
import { rotaryFrequencies, type RotaryOptions } from '../layers/rotary/frequencies.js';
import { ModelError } from '../model-error.js';
import type { TokenBatch } from '../sequence-classifier.js';
import type { KeyValueCache } from './key-value-cache.js';

export class Sequence {
  readonly ids: Tensor2D; // [batch, time] int32
  readonly batch: number;
  readonly time: number;
  readonly cache: KeyValueCache | undefined;
  /** Column of the first token of the batch. */
  readonly start: Tensor; // [] int32
  /** Tokens before each token of its text. */
  readonly positions: Tensor2D; // [batch or 1, time] int32
  readonly #keyMask: Tensor2D | undefined; // [batch, columns]
  readonly #masks = new Map<number | undefined, Tensor4D | undefined>();
  readonly #rotations = new Map<RotaryOptions, Rotation>();
  readonly #shared = new Map<object, Tensor>();

  /** To be made, used and disposed inside one tidy. Throws INVALID_BATCH, SEQUENCE_TOO_LONG. */
  constructor({ ids, mask }: TokenBatch, maxLength: number, cache?: KeyValueCache) {
    const [batch, time] = checked(ids, mask, maxLength, cache);
    this.ids = ids;
    this.batch = batch;
    this.time = time;
    this.cache = cache;
    this.start = cache?.start ?? tf.scalar(0, 'int32');
    this.positions = positionsOf(mask, time, cache);
    this.#keyMask = cache === undefined ? mask : cache.extendMask(mask, time, this.start);
  }

  /** cos and sin of a rotary embedding at these positions. */
  rotation(options: RotaryOptions): Rotation {
    const known = this.#rotations.get(options);
    if (known !== undefined) return known;
    const length = (this.cache?.length ?? 0) + this.time;
    if (options.scaling?.rope_type === 'dynamic') this.cache?.refuseRepeats(); // its frequencies follow the length
    const made = rotation(this.positions, rotaryFrequencies(options, length));
    this.#rotations.set(options, { cos: tf.keep(made.cos), sin: tf.keep(made.sin) }); // beyond the block that asked first
    return made;
  }

  /** Added to the scores: 0 where a token may look, −10⁹ elsewhere; undefined where all may look at all. */
  mask(window?: number): Tensor4D | undefined {
    if (this.#masks.has(window)) return this.#masks.get(window);
    const made = this.#makeMask(window);
    this.#masks.set(window, made === undefined ? undefined : tf.keep(made));
    return made;
  }

  /** Tokens before that of each column, those in the cache included; 0 at padding. -> [batch or 1, columns] int32 */
  keyPositions(): Tensor2D {
    return tf.tidy(() => {
      const columns = this.cache?.capacity ?? this.time;
      if (this.#keyMask === undefined) return tf.reshape(tf.range(0, columns, 1, 'int32'), [1, columns]) as Tensor2D;
      const mask = tf.cast(this.#keyMask, 'float32');
      return tf.cast(tf.mul(tf.sub(tf.cumsum(mask, 1), 1), mask), 'int32') as Tensor2D;
    });
  }

  /** What blocks have in common, made by the first that asks under a key; it lives as long as the sequence. */
  shared<T extends Tensor>(key: object, make: () => T): T {
    const known = this.#shared.get(key);
    if (known !== undefined) return known as T;
    const made = tf.keep(tf.tidy(make));
    this.#shared.set(key, made);
    return made;
  }

  /** Frees what the blocks shared. */
  dispose(): void {
    tf.dispose([...this.#shared.values()]);
    for (const mask of this.#masks.values()) mask?.dispose();
    for (const { cos, sin } of this.#rotations.values()) tf.dispose([cos, sin]);
  }

  #makeMask(window: number | undefined): Tensor4D | undefined {
    const columns = this.cache?.capacity ?? this.time;
    if (columns === 1 && this.#keyMask === undefined) return undefined;
    return tf.tidy(() => {
      const keys = tf.range(0, columns, 1, 'int32'); // [columns]
      const own = tf.add(tf.reshape(tf.range(0, this.time, 1, 'int32'), [this.time, 1]), this.start); // [time, 1]
      let allowed: Tensor = tf.lessEqual(keys, own); // [time, columns]
      if (window !== undefined && window < columns) {
        allowed = tf.logicalAnd(allowed, tf.greater(keys, tf.sub(own, window)));
      }
      let open = tf.reshape(tf.cast(allowed, 'float32'), [1, 1, this.time, columns]) as Tensor4D;
      if (this.#keyMask !== undefined) {
        open = tf.mul(open, tf.reshape(tf.cast(this.#keyMask, 'float32'), [this.batch, 1, 1, columns]));
      }
      return closed(open); // [batch or 1, 1, time, columns]
    });
  }
}

function positionsOf(mask: Tensor2D | undefined, time: number, cache: KeyValueCache | undefined): Tensor2D {
  return tf.tidy(() => {
    const counted =
      mask === undefined
        ? tf.reshape(tf.range(0, time, 1, 'float32'), [1, time])
        : tf.maximum(tf.sub(tf.cumsum(tf.cast(mask, 'float32'), 1), 1), 0); // [batch or 1, time]
    const all = cache === undefined || cache.length === 0 ? counted : tf.add(counted, cache.tokensBefore());
    return tf.cast(all, 'int32') as Tensor2D;
  });
}

function checked(
  ids: Tensor2D,
  mask: Tensor2D | undefined,
  maxLength: number,
  cache: KeyValueCache | undefined,
): [number, number] {
  const [batch, time] = ids.shape;
  const invalid = (problem: string) => new ModelError('INVALID_BATCH', problem);
  if (ids.dtype !== 'int32' || batch === 0 || time === 0) {
    throw invalid(
      `ids is ${ids.dtype} [${ids.shape.join(', ')}]; expected int32 [batch, time] with at least one token.`,
    );
  }
  if (mask !== undefined && (mask.shape[0] !== batch || mask.shape[1] !== time)) {
    throw invalid(`mask is [${mask.shape.join(', ')}], but ids is [${ids.shape.join(', ')}]; expected the same shape.`);
  }
  if (cache !== undefined && (cache.batch !== batch || cache.length + time > cache.capacity)) {
    throw invalid(
      `The cache is for ${cache.batch} texts of ${cache.capacity} tokens and holds ${cache.length}; a batch of ${batch} × ${time} does not fit. Grow it, or make another.`,
    );
  }
  const length = (cache?.length ?? 0) + time;
  if (length > maxLength) {
    throw new ModelError(
      'SEQUENCE_TOO_LONG',
      `A text would have ${length} tokens, but this model knows ${maxLength} positions (max_position_embeddings). Shorten it.`,
    );
  }
  return [batch, time];
}
