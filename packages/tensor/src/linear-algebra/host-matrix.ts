/** Between fp32 tensors and the double-precision matrices of ml-matrix, in which factorisations are computed on the host. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { Matrix } from 'ml-matrix';

/** The values in double precision. Throws NON_FINITE: a factorisation of NaN would not end, or give nonsense. */
export async function toHost(tensor: Tensor2D): Promise<Matrix> {
  const [rows, columns] = tensor.shape;
  const values = await tensor.data<'float32'>();
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    throw new LoranError(
      'NON_FINITE',
      `A matrix [${rows}, ${columns}] to be factorised holds ${values[bad]} at row ${Math.floor(bad / columns)}, column ${bad % columns}.`,
    );
  }
  return Matrix.from1DArray(rows, columns, values as unknown as number[]);
}

/** The first `columns` columns, rounded to fp32. */
export function toTensor(matrix: Matrix, columns = matrix.columns): Tensor2D {
  const values = new Float32Array(matrix.rows * columns);
  for (let i = 0; i < matrix.rows; i++) {
    for (let j = 0; j < columns; j++) values[i * columns + j] = matrix.get(i, j);
  }
  return tf.tensor2d(values, [matrix.rows, columns]);
}
