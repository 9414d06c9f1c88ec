/**
 * Frozen weights in 16-bit integers, W = 2^e · q with one exponent e for each row: q within ±32767, e the smallest that allows it. A value
 * is off by at most 2^e / 2, which is under 1/32000 of the largest of its row. Powers of two make W exact in fp32, and storing it again changes nothing.
 *
 * The codes stay in JavaScript's memory; a product decodes them where it needs them, and keeps nothing for the backward pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LoranError, recomputedProduct, ShapeMismatchError, updateRows } from '@loran/adapter';
import { origin } from './origin.mjs';

const largest = 32767;
const lowest = -126; // of normal numbers in fp32

/** @type {import('@loran/adapter').BaseStorage} */
export const int16 = {
  kind: 'base-storage',
  name: 'int16',
  ...origin,
  async store(source) {
    const { kind, path, rows, columns, bias } = source;
    const all = new Float32Array(rows * columns);
    let filled = 0;
    for await (const run of source.values()) {
      if (filled + run.length <= all.length) all.set(run, filled);
      filled += run.length;
    }
    if (filled !== all.length) throw new ShapeMismatchError(path, [rows, columns], [filled]);
    return frozen({ kind, rows, columns, ...quantised(all, rows, columns, path) }, bias);
  },
  restore(kind, parts) {
    const shape = parts.get('weight')?.shape ?? [];
    if (shape.length !== 2)
      throw new LoranError('PART_MISSING', "An int16 weight has a part 'weight' [rows, columns].");
    const [rows, columns] = shape;
    const codes = new Int16Array(bytesOf(parts, 'weight', 'I16', 2 * rows * columns));
    const exponents = new Int8Array(bytesOf(parts, 'weight.exponent', 'I8', rows));
    const bias = parts.has('bias') ? new Float32Array(bytesOf(parts, 'bias', 'F32', 4 * rows)) : null;
    return frozen({ kind, rows, columns, codes, exponents }, bias);
  },
  recognises(names, path) {
    const own = ['weight', 'weight.exponent'];
    return own.every((part) => names.has(`${path}.${part}`)) ? own : undefined;
  },
};

/** Codes [rows · columns] and exponents [rows] of fp32 values; throws NON_FINITE. */
function quantised(values, rows, columns, path) {
  const codes = new Int16Array(rows * columns);
  const exponents = new Int8Array(rows);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns);
    const peak = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0); // NaN stays NaN
    if (!Number.isFinite(peak)) {
      throw new LoranError(
        'NON_FINITE',
        `Row ${row} of '${path}' holds NaN or infinite values, which int16 cannot keep.`,
      );
    }
    const exponent = peak === 0 ? 0 : Math.max(lowest, Math.ceil(Math.log2(peak / largest)));
    exponents[row] = exponent;
    for (let column = 0; column < columns; column++) {
      codes[row * columns + column] = Math.max(-largest, Math.min(largest, Math.round(own[column] / 2 ** exponent)));
    }
  }
  return { codes, exponents };
}

function frozen({ kind, rows, columns, codes, exponents }, biasValues) {
  const bias = biasValues === null ? null : tf.tensor1d(biasValues);
  const weight = () => {
    const values = Float32Array.from(codes, (code, i) => code * 2 ** exponents[Math.floor(i / columns)]);
    return tf.tensor2d(values, [rows, columns]);
  };
  return {
    kind,
    storage: 'int16',
    rows,
    columns,
    bias,
    byteLength: codes.byteLength + exponents.byteLength + (bias === null ? 0 : 4 * rows),
    apply: (x, delta) =>
      tf.tidy(() => {
        if (kind === 'linear') {
          const y = recomputedProduct(x, weight, delta); // [..., rows]
          return bias === null ? y : tf.add(y, bias);
        }
        const ids = tf.cast(x, 'int32');
        const base = tf.gather(weight(), ids); // [..., width]
        return delta === undefined ? base : tf.add(base, updateRows(delta, ids));
      }),
    weight,
    async with(other, otherBias = bias) {
      const values = quantised(await other.data(), rows, columns, 'the new weight');
      return frozen(
        { kind, rows, columns, ...values },
        otherBias === null ? null : Float32Array.from(await otherBias.data()),
      );
    },
    async parts() {
      const parts = new Map([
        ['weight', { dtype: 'I16', shape: [rows, columns], data: new Uint8Array(codes.slice().buffer) }],
        ['weight.exponent', { dtype: 'I8', shape: [rows], data: new Uint8Array(exponents.slice().buffer) }],
      ]);
      if (bias === null) return parts;
      const data = new Uint8Array(Float32Array.from(await bias.data()).buffer);
      return parts.set('bias', { dtype: 'F32', shape: [rows], data });
    },
    dispose: () => bias?.dispose(),
  };
}

/** A copy of a part's bytes; throws PART_MISSING, and DTYPE_MISMATCH for another dtype or length. */
function bytesOf(parts, name, dtype, length) {
  const part = parts.get(name);
  if (part === undefined) throw new LoranError('PART_MISSING', `The checkpoint has no part '${name}'.`);
  if (part.dtype !== dtype || part.data.length !== length) {
    throw new LoranError(
      'DTYPE_MISMATCH',
      `The part '${name}' should be ${length} bytes of ${dtype}; it is ${part.data.length} of ${part.dtype}.`,
    );
  }
  return part.data.slice().buffer;
}
