/**
 * Choosing the next token from scores, in transformers' order: repetition penalty, temperature, top-k, top-p, draw.
 *
 *   repetition penalty  a score s of a token already seen becomes s/p (s > 0) or s·p (Keskar et al. 2019, arXiv 1909.05858)
 *   temperature         scores are divided by it; 0 takes the highest
 *   top-k               the k highest are kept (Fan et al. 2018, arXiv 1805.04833)
 *   top-p               the smallest set with probability of at least p (Holtzman et al. 2020, arXiv 1904.09751)
 */

export interface SamplingOptions {
  /** 0 (default): greedy, the highest score. */
  readonly temperature?: number;
  /** 0 (default): all. */
  readonly topK?: number;
  /** 1 (default): all. */
  readonly topP?: number;
  /** 1 (default): none. */
  readonly repetitionPenalty?: number;
}

/** Scores with those of seen tokens made less likely. Changes `scores` in place. */
export function penalise(scores: Float32Array, seen: ReadonlySet<number>, penalty: number): void {
  if (penalty === 1) return;
  for (const id of seen) {
    const score = scores[id];
    if (score !== undefined) scores[id] = score > 0 ? score / penalty : score * penalty;
  }
}

/** The chosen id. `draw`: a number in [0, 1), used where the temperature is above 0. */
export function choose(
  scores: Float32Array,
  { temperature = 0, topK = 0, topP = 1 }: SamplingOptions,
  draw: number,
): number {
  const best = highest(scores);
  if (temperature === 0) return best;
  const weights = scores.map((score) => Math.exp((score - scores[best]!) / temperature)); // 1 for the best
  const ids = topK === 0 && topP >= 1 ? weights.keys() : kept(weights, topK, topP);
  return drawn(weights, [...ids], draw);
}

/** One of the ids by its weight. */
function drawn(weights: Float32Array, ids: readonly number[], draw: number): number {
  let rest = draw * mass(weights, ids);
  let last = ids[0] ?? 0;
  for (const id of ids) {
    if (!(weights[id]! > 0)) continue;
    rest -= weights[id]!;
    if (rest < 0) return id;
    last = id;
  }
  return last;
}

/** The ids that the cuts leave, the likeliest first. */
function kept(weights: Float32Array, topK: number, topP: number): number[] {
  const likeliest = sortedHead(weights, topK, topP);
  const first = topK > 0 ? likeliest.slice(0, topK) : likeliest;
  const needed = topP * (topK > 0 ? mass(weights, first) : mass(weights, weights.keys()));
  let sum = 0;
  const end = first.findIndex((id) => (sum += weights[id]!) >= needed);
  return end < 0 ? first : first.slice(0, end + 1);
}

/** As many of the likeliest ids, sorted, as the cuts can need: sorting a whole vocabulary would take longer than a model's step. */
function sortedHead(weights: Float32Array, topK: number, topP: number): number[] {
  const total = topK > 0 ? 0 : mass(weights, weights.keys());
  for (let floor = 1 / 16; ; floor /= 16) {
    // below 1e-45 fp32 has only 0
    const ids: number[] = [];
    weights.forEach((weight, id) => {
      if (weight > 0 && weight >= floor) ids.push(id);
    });
    const enough = topK > 0 ? ids.length >= topK : mass(weights, ids) >= topP * total;
    if (enough || floor < 1e-45) return ids.sort((a, b) => weights[b]! - weights[a]! || a - b);
  }
}

function mass(weights: Float32Array, ids: Iterable<number>): number {
  let sum = 0;
  for (const id of ids) sum += weights[id]!;
  return sum;
}

function highest(scores: Float32Array): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) if (scores[id]! > scores[best]!) best = id;
  return best;
}
