/**
 * The ways of combining adapters, by PEFT's names for them.
 *
 *   cat                 the factors side by side: exactly Σ wₖ ΔWₖ, of the ranks' sum
 *   linear, ties, …     A and B combined each on its own, by weights ±√|wₖ sₖ| (s the scaling): quick, a rough approximation
 *   svd, ties_svd, …    the updates ΔWₖ combined, then cut to a rank by singular values: for any method with a matrix as its update
 *
 * ties, dare and magnitude_prune first set values to 0 (see sparsify); ties and dare_ties then let the signs vote (see consensus).
 */
import { LoranError, nearest } from '@loran/plugin';

export interface Combination {
  readonly of: 'side by side' | 'factors' | 'updates';
  readonly sparsify?: 'largest' | 'random';
  readonly votes?: boolean;
}

const pruned = {
  ties: { sparsify: 'largest', votes: true },
  dare_linear: { sparsify: 'random' },
  dare_ties: { sparsify: 'random', votes: true },
  magnitude_prune: { sparsify: 'largest' },
} as const;

export const combinations = {
  cat: { of: 'side by side' },
  linear: { of: 'factors' },
  ties: { of: 'factors', ...pruned.ties },
  dare_linear: { of: 'factors', ...pruned.dare_linear },
  dare_ties: { of: 'factors', ...pruned.dare_ties },
  magnitude_prune: { of: 'factors', ...pruned.magnitude_prune },
  svd: { of: 'updates' },
  ties_svd: { of: 'updates', ...pruned.ties },
  dare_linear_svd: { of: 'updates', ...pruned.dare_linear },
  dare_ties_svd: { of: 'updates', ...pruned.dare_ties },
  magnitude_prune_svd: { of: 'updates', ...pruned.magnitude_prune },
} as const satisfies Readonly<Record<string, Combination>>;

export type CombinationType = keyof typeof combinations;

/** The combination types, for choices and help texts. */
export const combinationTypes = Object.keys(combinations) as readonly CombinationType[];

/** Throws INVALID_COMBINATION, which lists the types and names the nearest. */
export function combinationOf(type: string): Combination {
  if (Object.hasOwn(combinations, type)) return combinations[type as CombinationType];
  const [near] = nearest(type, combinationTypes);
  throw new LoranError(
    'INVALID_COMBINATION',
    `Unknown combination type '${type}'.${near === undefined ? '' : ` Did you mean '${near}'?`} There are: ${combinationTypes.join(', ')}.`,
  );
}
