import { expect, test } from 'vitest';
import { llama3ScalingOf } from './rope-factors.js';

/** What llama.cpp's converter computes from a model's rope_scaling. */
function divisors(
  base: number,
  pairs: number,
  factor: number,
  low: number,
  high: number,
  length: number,
): Float32Array {
  return Float32Array.from({ length: pairs }, (_, i) => {
    const wavelength = 2 * Math.PI * base ** (i / pairs);
    if (wavelength < length / high) return 1;
    if (wavelength > length / low) return factor;
    const smooth = (length / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

test.each([
  [500000, 64, 8, 1, 4, 8192], // Llama 3.1
  [500000, 32, 32, 1, 4, 8192], // Llama 3.2
  [10000, 32, 4, 1, 8, 4096],
])('Llama 3 stretching is found again: base %d, %d pairs, factor %d', (base, pairs, factor, low, high, length) => {
  expect(llama3ScalingOf(divisors(base, pairs, factor, low, high, length), base)).toEqual({
    rope_type: 'llama3',
    factor,
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: length,
  });
});

test('no stretching is none, and divisors of another kind are unknown', () => {
  expect(llama3ScalingOf(new Float32Array(8).fill(1), 10000)).toBeUndefined();
  expect(llama3ScalingOf(Float32Array.of(1, 2, 1.5, 3, 2, 8, 8, 8), 10000)).toBe('unknown');
  expect(llama3ScalingOf(Float32Array.of(1, 1, 8, 8), 10000)).toBe('unknown');
});
