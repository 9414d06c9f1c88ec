/**
 * A share of an update's values kept, the others set to 0, before updates are combined.
 *
 *   largest   the ⌊density·n⌋ values of largest magnitude           TIES: Yadav et al. 2023, arXiv 2306.01708
 *   random    each with probability density, then divided by it     DARE: Yu et al. 2024, arXiv 2311.03099
 */
import type { RandomStream } from '@loran/tensor';

/** Of values equal in magnitude at the border, the first are kept. */
export function keepLargest(values: Float32Array, density: number): Float32Array {
  const count = Math.trunc(density * values.length);
  if (count >= values.length) return values;
  const kept = new Float32Array(values.length);
  if (count === 0) return kept;
  const border = values.map(Math.abs).sort()[values.length - count]!;
  let room = count - values.reduce((above, value) => above + (Math.abs(value) > border ? 1 : 0), 0);
  values.forEach((value, i) => {
    const magnitude = Math.abs(value);
    if (magnitude > border || (magnitude === border && room-- > 0)) kept[i] = value;
  });
  return kept;
}

/** The expectation of each value stays what it was. */
export function keepRandom(values: Float32Array, density: number, random: Pick<RandomStream, 'at'>): Float32Array {
  return density >= 1 ? values : values.map((value, i) => (random.at(i) < density ? value / density : 0));
}
