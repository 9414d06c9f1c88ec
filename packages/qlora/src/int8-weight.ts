/**
 * One frozen weight in int8 on the engine.
 *
 *   linear      y = int8Product(x, codesᵀ) · scales + x Δᵀ + bias       dX = int8Product(dY · scales, codes) + dY Δ
 *   embedding   rows of codes · scales at the ids, exact
 *
 *   codes  linear [in, out], embedding [vocabulary, width]        scales [rows]
 *
 * What an adapter adds is a second product in fp32: it is far smaller than a step of the codes. The codes lie as the forward
 * product reads them; the backward one turns them while it runs, which is a quarter of the bytes of fp32. `weight()` is
 * dequantised exactly; `apply` differs from a product with it by what rounding the rows of x takes.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradSaveFunc, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { type FrozenWeight, ShapeMismatchError, updateProduct, updateRows, type WeightSource } from '@loran/adapter';
import type { TensorBytes } from '@loran/formats';
import { after, currentEngine, int8Product, opaque } from '@loran/tensor';
import { floatPart } from './block-scales.js';

export interface Int8Values {
  readonly kind: FrozenWeight['kind'];
  readonly rows: number;
  readonly columns: number;
  readonly codes: Int8Array; // [rows, columns]
  readonly scales: Float32Array; // [rows]
  readonly bias: Float32Array | null; // [rows]
}

/** `again` makes the same storage of other values, for `with`. */
export function int8Weight(
  { kind, rows, columns, codes: values, scales: scaleValues, bias: biasValues }: Int8Values,
  again: (values: WeightSource['values'], bias: Float32Array | null) => Promise<FrozenWeight>,
): FrozenWeight {
  const isLinear = kind === 'linear';
  const before = currentEngine().memory().bytes;
  const laidOut = isLinear ? turned(values, rows, columns) : values;
  const bytes = new Uint8Array(laidOut.buffer, laidOut.byteOffset, laidOut.byteLength);
  const codes = tf.keep(opaque(bytes, 'int8', isLinear ? [columns, rows] : [rows, columns])) as Tensor2D;
  const scales = tf.keep(tf.tensor1d(scaleValues));
  const bias = biasValues === null ? null : tf.keep(tf.tensor1d(biasValues));
  const byteLength = currentEngine().memory().bytes - before;

  const product = tf.customGrad((x: Tensor | GradSaveFunc) => ({
    value: int8Product(x as Tensor2D, codes, { scales }), // [tokens, rows]
    gradFunc: (dy: Tensor) => tf.tidy(() => int8Product(tf.mul<Tensor2D>(dy, scales), codes, { transposed: true })),
  }));

  const dequantised = (dependency?: Tensor): Tensor2D => {
    const held = dependency === undefined ? codes : after(codes, dependency);
    const columnwise = tf.mul<Tensor2D>(tf.cast(held, 'float32'), isLinear ? scales : tf.reshape(scales, [rows, 1]));
    return isLinear ? tf.transpose(columnwise) : columnwise; // [rows, columns]
  };

  const multiplied = (x: Tensor, delta: Tensor2D | undefined): Tensor => {
    const leading = x.shape.slice(0, -1);
    const flat = tf.reshape(x, [tf.util.sizeFromShape(leading), columns]) as Tensor2D; // [tokens, columns]
    const base = product(flat); // [tokens, rows]
    const sum = delta === undefined ? base : tf.add(base, updateProduct(flat, delta));
    return tf.reshape(bias === null ? sum : tf.add(sum, bias), [...leading, rows]);
  };

  const looked = (x: Tensor, delta: Tensor2D | undefined): Tensor => {
    const ids = x.dtype === 'int32' ? x : tf.cast(x, 'int32');
    const base = tf.mul(tf.cast(tf.gather(codes, ids), 'float32'), tf.expandDims(tf.gather(scales, ids), -1)); // [..., width]
    return delta === undefined ? base : tf.add(base, updateRows(delta, ids));
  };

  let disposed = false;
  return {
    kind,
    storage: 'int8',
    rows,
    columns,
    bias,
    byteLength,
    apply: (x, delta) => tf.tidy(() => (isLinear ? multiplied(x, delta) : looked(x, delta))),
    weight: (dependency) => tf.tidy(() => dequantised(dependency)),
    async with(weight: Tensor2D, other: Tensor1D | null = bias) {
      if (weight.shape[0] !== rows || weight.shape[1] !== columns) {
        throw new ShapeMismatchError('weight', [rows, columns], weight.shape);
      }
      const values = async function* () {
        yield await weight.data<'float32'>();
      };
      return again(values, other && (await other.data<'float32'>()));
    },
    async parts() {
      const held = Int8Array.from(await codes.data());
      const stored = isLinear ? turned(held, columns, rows) : held;
      const parts = new Map<string, TensorBytes>([
        ['weight', { dtype: 'I8', shape: [rows, columns], data: new Uint8Array(stored.buffer) }],
        ['weight.scale', floatPart(await scales.data<'float32'>())],
      ]);
      if (bias !== null) parts.set('bias', floatPart(await bias.data<'float32'>()));
      return parts;
    },
    dispose: () => {
      if (disposed) return;
      disposed = true;
      tf.dispose([codes, scales, ...(bias === null ? [] : [bias])]);
    },
  };
}

/** A matrix of [rows, columns] as [columns, rows]. */
function turned(values: Int8Array, rows: number, columns: number): Int8Array {
  const result = new Int8Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = values[row * columns + column]!;
  }
  return result;
}
