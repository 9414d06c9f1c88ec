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
  if (temperature === 0) return highest(scores);
  const candidates = kept(scores, temperature, topK, topP);
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
  let rest = draw * total;
  for (const { id, weight } of candidates) {
    rest -= weight;
    if (rest < 0) return id;
  }
  return candidates.at(-1)?.id ?? 0;
}

/** Ids that may be drawn, with their unnormalised probabilities; the likeliest first where a cut was asked for. */
function kept(
  scores: Float32Array,
  temperature: number,
  topK: number,
  topP: number,
): { readonly id: number; readonly weight: number }[] {
  const most = scores[highest(scores)] ?? 0;
  const weights = scores.map((score) => Math.exp((score - most) / temperature));
  const all = [...weights.keys()].filter((id) => weights[id]! > 0);
  if (topK === 0 && topP >= 1) return all.map((id) => ({ id, weight: weights[id]! }));
  const sorted = all.sort((a, b) => weights[b]! - weights[a]! || a - b);
  const first = topK > 0 ? sorted.slice(0, topK) : sorted;
  const total = first.reduce((sum, id) => sum + weights[id]!, 0);
  const chosen = [];
  let mass = 0;
  for (const id of first) {
    chosen.push({ id, weight: weights[id]! });
    mass += weights[id]!;
    if (mass >= topP * total) break;
  }
  return chosen;
}

function highest(scores: Float32Array): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) if (scores[id]! > scores[best]!) best = id;
  return best;
}
