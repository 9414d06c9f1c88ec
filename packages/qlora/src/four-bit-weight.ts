/**
 * One frozen weight of 4-bit codes on the engine: 4 bits a parameter, dequantised where it is multiplied.
 *
 *   W[i] = codebook[code[i]] · absmax[i / blockSize]         flat, row-major
 *
 *   codes [blocks * blockSize / 2]  two a byte, whole blocks        absmax [blocks]
 *
 * Neither pass keeps the dequantised weight: the forward product makes it from the codes once x is there, the backward
 * product again once dY is there. An embedding dequantises the rows that are asked for, where rows are whole blocks.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import {
  type FrozenWeight,
  recomputedProduct,
  ShapeMismatchError,
  updateRows,
  type WeightSource,
} from '@loran/adapter';
import type { TensorBytes } from '@loran/formats';
import { after, currentEngine, opaque } from '@loran/tensor';
import { type BlockScales, floatPart } from './block-scales.js';
import type { FourBitType } from './four-bit-type.js';
import { quantStateKey } from './quant-state.js';
import { acquireTables, type Tables } from './tables.js';

export interface FourBitValues {
  readonly type: FourBitType;
  readonly kind: FrozenWeight['kind'];
  readonly rows: number;
  readonly columns: number;
  readonly blockSize: number;
  /** Two codes a byte, filled up to whole blocks; handed over. */
  readonly codes: Uint8Array; // [blocks * blockSize / 2]
  readonly scales: (tables: Tables) => BlockScales;
  readonly bias: Float32Array | null; // [rows]
  /** The `quant_state` part, kept as it is. */
  readonly quantState: TensorBytes;
  /** The codebook as a checkpoint spelt it; default: the type's. */
  readonly quantMap?: Float32Array; // [16]
}

/** `requantise` makes the same storage of other values, for `with`. */
export function fourBitWeight(
  values: FourBitValues,
  requantise: (values: WeightSource['values'], bias: Float32Array | null) => Promise<FrozenWeight>,
): FrozenWeight {
  const { type, kind, rows, columns, blockSize, quantState, quantMap = type.codebook } = values;
  const count = rows * columns;
  const { tables, release } = acquireTables(type);
  const before = currentEngine().memory().bytes;
  const byRow = kind === 'embedding' && columns % blockSize === 0;
  const codes = tf.keep(opaque(values.codes, 'uint8', byRow ? [rows, columns / 2] : [values.codes.length]));
  const scales = values.scales(tables);
  const bias = values.bias === null ? null : tf.keep(tf.tensor1d(values.bias));
  const byteLength = currentEngine().memory().bytes - before;

  const scaled = (packed: Tensor, absmax: Tensor): Tensor =>
    tf.mul(tf.reshape(tf.gather(tables.pairs, packed), [-1, blockSize]), tf.reshape(absmax, [-1, 1])); // [blocks, blockSize]

  const dequantised = (dependency?: Tensor): Tensor2D => {
    const whole = scaled(dependency === undefined ? codes : after(codes, dependency), scales.values(dependency));
    const flat = whole.size === count ? whole : tf.slice(tf.reshape(whole, [-1]), [0], [count]);
    return tf.reshape(flat, [rows, columns]);
  };

  const rowsAt = (ids: Tensor): Tensor => {
    if (!byRow) return tf.gather(dequantised(), ids);
    const packed = tf.gather(codes, ids); // [..., columns / 2]
    const absmax = tf.gather(tf.reshape(scales.values(), [rows, columns / blockSize]), ids); // [..., blocks of a row]
    return tf.reshape(scaled(packed, absmax), [...ids.shape, columns]);
  };

  let disposed = false;
  return {
    kind,
    storage: type.name,
    rows,
    columns,
    bias,
    byteLength,
    apply: (x, delta) =>
      tf.tidy(() => {
        if (kind === 'linear') {
          const y = recomputedProduct(x, dequantised, delta); // [..., rows]
          return bias === null ? y : tf.add(y, bias);
        }
        const ids = x.dtype === 'int32' ? x : tf.cast(x, 'int32');
        const base = rowsAt(ids); // [..., columns]
        return delta === undefined ? base : tf.add(base, updateRows(delta, ids));
      }),
    weight: (dependency) => tf.tidy(() => dequantised(dependency)),
    async with(weight: Tensor2D, other: Tensor1D | null = bias) {
      if (weight.shape[0] !== rows || weight.shape[1] !== columns) {
        throw new ShapeMismatchError('weight', [rows, columns], weight.shape);
      }
      const values = async function* () {
        yield await weight.data<'float32'>();
      };
      return requantise(values, other && (await other.data<'float32'>()));
    },
    async parts() {
      const packed = Uint8Array.from(await codes.data()).slice(0, Math.ceil(count / 2));
      const parts = new Map<string, TensorBytes>([
        ['weight', { dtype: 'U8', shape: [packed.length, 1], data: packed }],
        ...(await scales.parts()),
        ['weight.quant_map', floatPart(quantMap)],
        [quantStateKey(type.name), quantState],
      ]);
      if (bias !== null) parts.set('bias', floatPart(await bias.data<'float32'>()));
      return parts;
    },
    dispose: () => {
      if (disposed) return;
      disposed = true;
      codes.dispose();
      scales.dispose();
      bias?.dispose();
      release();
    },
  };
}
