/**
 * Frozen weights in bfloat16: half the memory of fp32, widened exactly when multiplied.
 *
 * fp32 values are rounded to nearest, ties to even, as everywhere in the field. Arithmetic stays fp32.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { fromFloat32, type TensorBytes } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import { after, opaque } from '@loran/tensor';
import type { BaseStorage, FrozenWeight, WeightSource } from '../contract/frozen-weight.js';
import { ShapeMismatchError } from '../errors/shape-mismatch.js';
import { version } from '../version.js';
import { bytesOf, floatsOf, part } from './parts.js';
import { recomputedProduct, updateRows } from './recomputed-product.js';

export const bf16: BaseStorage = {
  kind: 'base-storage',
  name: 'bf16',
  package: '@loran/adapter',
  version,
  async store(source: WeightSource): Promise<FrozenWeight> {
    const codes = new Uint8Array(2 * source.rows * source.columns);
    let filled = 0;
    for await (const run of source.values()) {
      const bytes = fromFloat32(run, 'BF16');
      if (filled + bytes.length <= codes.length) codes.set(bytes, filled);
      filled += bytes.length;
    }
    if (filled !== codes.length) throw new ShapeMismatchError(source.path, [source.rows, source.columns], [filled / 2]);
    return frozenBfloat16(codes, source, source.bias);
  },
  restore(kind: FrozenWeight['kind'], parts: ReadonlyMap<string, TensorBytes>): FrozenWeight {
    const { dtype, shape, data } = part(parts, 'weight');
    const [rows, columns] = shape;
    if (dtype !== 'BF16' || rows === undefined || columns === undefined) {
      throw new LoranError(
        'DTYPE_MISMATCH',
        `A bf16 weight is kept as BF16 [rows, columns]; the part 'weight' is ${dtype} [${shape.join(', ')}].`,
      );
    }
    const bias = parts.get('bias');
    return frozenBfloat16(data.slice(), { kind, rows, columns }, bias ? floatsOf(bias) : null);
  },
};

function frozenBfloat16(
  codes: Uint8Array,
  { kind, rows, columns }: Pick<FrozenWeight, 'kind' | 'rows' | 'columns'>,
  biasValues: Float32Array | null,
): FrozenWeight {
  const weight = opaque(codes, 'bfloat16', [rows, columns]) as Tensor2D;
  const bias = biasValues === null ? null : tf.tensor1d(biasValues);
  const decode = (dependency: Tensor): Tensor2D => after(weight, dependency); // kernels read it as fp32
  return {
    kind,
    storage: 'bf16',
    rows,
    columns,
    bias,
    byteLength: 2 * rows * columns + (bias === null ? 0 : 4 * rows),
    apply: (x, delta) =>
      tf.tidy(() => {
        if (kind === 'linear') {
          const y = recomputedProduct(x, decode, delta); // [..., rows]
          return bias === null ? y : tf.add(y, bias);
        }
        const ids = x.dtype === 'int32' ? x : tf.cast(x, 'int32');
        const base = tf.gather(weight, ids); // [..., width]
        return delta === undefined ? base : tf.add(base, updateRows(delta, ids));
      }),
    weight: (dependency) => (dependency === undefined ? tf.clone(weight) : decode(dependency)),
    async with(other: Tensor2D, otherBias: Tensor1D | null = bias) {
      const rounded = fromFloat32(Float32Array.from(await other.data<'float32'>()), 'BF16');
      const values = otherBias === null ? null : Float32Array.from(await otherBias.data<'float32'>());
      return frozenBfloat16(rounded, { kind, rows, columns }, values);
    },
    async parts() {
      const data = fromFloat32(Float32Array.from(await weight.data<'float32'>()), 'BF16'); // exact: these values were bf16
      const parts = new Map<string, TensorBytes>([['weight', { dtype: 'BF16', shape: [rows, columns], data }]]);
      if (bias !== null) parts.set('bias', await bytesOf(bias));
      return parts;
    },
    dispose: () => {
      weight.dispose();
      bias?.dispose();
    },
  };
}
