/**
 * Several updates of one shape as one.
 *
 *   sum         Σₖ wₖ tₖ
 *   consensus   the mean of wₖ tₖ over those k whose tₖ has the elected sign; 0 where none has (TIES, arXiv 2306.01708)
 *
 * The sign elected for an element is that of Σₖ tₖ ('total') or of Σₖ sign(tₖ) ('frequency'), + where the sum is 0, before the
 * weights are applied, as PEFT does. Arithmetic is fp32, in the order of the updates.
 */
export type Election = 'total' | 'frequency';

type Updates = readonly Float32Array[];

export function weightedSum(updates: Updates, weights: readonly number[]): Float32Array {
  const own = weights.map(Math.fround);
  return elementwise(updates, (i) =>
    updates.reduce((sum, update, k) => Math.fround(sum + Math.fround(update[i]! * own[k]!)), 0),
  );
}

export function consensus(updates: Updates, weights: readonly number[], election: Election): Float32Array {
  const own = weights.map(Math.fround);
  const vote = election === 'total' ? (value: number) => value : Math.sign;
  return elementwise(updates, (i) => {
    const votes = updates.reduce((sum, update) => Math.fround(sum + vote(update[i]!)), 0);
    const elected = votes >= 0 ? 1 : -1;
    let [sum, count] = [0, 0];
    for (const [k, update] of updates.entries()) {
      const value = update[i]!;
      if (Math.sign(value) !== elected) continue;
      sum = Math.fround(sum + Math.fround(value * own[k]!));
      count++;
    }
    return sum / Math.max(count, 1);
  });
}

const elementwise = ([first]: Updates, value: (i: number) => number): Float32Array =>
  Float32Array.from({ length: first!.length }, (_, i) => value(i));
