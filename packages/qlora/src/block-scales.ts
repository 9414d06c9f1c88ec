/**
 * The block maxima of one NF4 weight on the engine: as they are, or under double quantisation.
 *
 *   single   absmax [blocks], fp32
 *   double   absmax[b] = map[code[b]] · nested[b / 256] + offset       with two roundings to fp32, as bitsandbytes has it
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { TensorBytes } from '@loran/formats';
import { after, opaque } from '@loran/tensor';
import { dynamicMap } from './dynamic-map.js';
import type { Tables } from './tables.js';

export interface BlockScales {
  /** [blocks], fp32; computed no earlier than `dependency`, where one is given. */
  values(dependency?: Tensor): Tensor1D;
  /** What a checkpoint keeps of them, by bitsandbytes' key. */
  parts(): Promise<Map<string, TensorBytes>>;
  dispose(): void;
}

export function singleScales(absmax: Float32Array): BlockScales {
  const tensor = tf.keep(tf.tensor1d(absmax));
  return {
    values: () => tensor,
    parts: async () => new Map([['weight.absmax', floatPart(await tensor.data<'float32'>())]]),
    dispose: () => {
      tensor.dispose();
    },
  };
}

export interface NestedScales {
  readonly codes: Uint8Array; // [blocks]
  readonly absmax: Float32Array; // [blocks / blockSize, rounded up]
  readonly offset: number;
  readonly blockSize: number;
  /** The map of a checkpoint that brings its own; default: the signed dynamic map. */
  readonly map?: Float32Array; // [256]
}

export function nestedScales({ codes, absmax, offset, blockSize, map }: NestedScales, tables: Tables): BlockScales {
  const blocks = codes.length;
  const width = Math.min(blocks, blockSize); // one nested block is not filled up
  const filled = new Uint8Array(absmax.length * width);
  filled.set(codes);
  const held = tf.keep(opaque(filled, 'uint8', [absmax.length, width]));
  const nested = tf.keep(tf.tensor2d(absmax, [absmax.length, 1]));
  const centre = tf.keep(tf.scalar(offset));
  const ownMap = map === undefined || sameValues(map, dynamicMap) ? undefined : tf.keep(tf.tensor1d(map));
  return {
    values: (dependency) => {
      const codes = dependency === undefined ? held : after(held, dependency); // [nested blocks, width]
      const centred = tf.mul(tf.gather(ownMap ?? tables.dynamicMap, codes), nested);
      const all = tf.reshape<Rank.R1>(tf.add(centred, centre), [-1]); // [nested blocks * width]
      return all.size === blocks ? all : tf.slice(all, [0], [blocks]);
    },
    parts: async () =>
      new Map<string, TensorBytes>([
        ['weight.absmax', { dtype: 'U8', shape: [blocks], data: Uint8Array.from(await held.data()).slice(0, blocks) }],
        ['weight.nested_absmax', floatPart(await nested.data<'float32'>())],
        ['weight.nested_quant_map', floatPart(map ?? dynamicMap)],
      ]),
    dispose: () => {
      tf.dispose([held, nested, centre, ...(ownMap === undefined ? [] : [ownMap])]);
    },
  };
}

/** A vector as F32 bytes. */
export function floatPart(values: Float32Array): TensorBytes {
  return { dtype: 'F32', shape: [values.length], data: new Uint8Array(Float32Array.from(values).buffer) };
}

const sameValues = (a: Float32Array, b: Float32Array): boolean => a.every((value, i) => value === b[i]);
