import { fromFloat32, type TensorValues } from '@loran/formats';
import { expect, test } from 'vitest';
import { Rounding } from './rounding.js';

test('is the share of the size that was lost, and the largest difference', () => {
  const rounding = new Rounding();
  rounding.add(Float32Array.of(3, 0), Float32Array.of(3, 0.5));
  rounding.add(Float32Array.of(-4), Float32Array.of(-4));
  expect(rounding.warnings('Rounded')).toEqual([
    'Rounded: by 10 % of their size (root mean square), 0.50 at most.', // √(0.25 / 25)
  ]);
});

test('of nothing lost nothing is said', () => {
  const rounding = new Rounding();
  const exact = Float32Array.of(0.5, -2, 0);
  const values = async function* () {
    yield exact;
  };
  const { onEncoded } = rounding.of<TensorValues>({ dtype: 'F16', shape: [3], values });
  onEncoded!(exact, fromFloat32(exact, 'F16'));
  expect(rounding.of({ dtype: 'F32', shape: [3], values })).not.toHaveProperty('onEncoded');
  expect(rounding.warnings('Rounded')).toEqual([]);
});
