/** What a combination is made from, and the mistakes that can be seen before anything is computed. */
import { LoranError } from '@loran/plugin';
import type { AdapterMethod } from '../contract/adapter-method.js';
import { type Combination, combinationOf, type CombinationType } from './combination-type.js';
import type { Election } from './consensus.js';

export interface CombineOptions {
  /** Names of the adapters, which stay as they are; active or not. */
  readonly adapters: readonly string[];
  /** One for each, negative to subtract; an adapter's scale at run time multiplies its own. */
  readonly weights: readonly number[];
  /** Name of the new adapter. */
  readonly name: string;
  /** Default 'svd', as in PEFT. */
  readonly type?: CombinationType;
  /** Share of values that ties, dare and magnitude_prune keep: above 0, at most 1. */
  readonly density?: number;
  /** How ties and dare_ties elect signs: by the values' sum (default) or by counting. */
  readonly election?: Election;
  /** Rank of types that end in svd; default the largest at the module, and it must be given where an update is no product. */
  readonly rank?: number;
  /** Of dare's random choices; default 0. */
  readonly seed?: number;
  /** Methods for the new adapter, which needs one that is made of factors; default those of `adapters`. */
  readonly methods?: Iterable<AdapterMethod>;
}

/** Throws INVALID_COMBINATION, naming the option. */
export function checkedCombination(options: CombineOptions): Combination {
  const { adapters, weights, type = 'svd', density, election, rank } = options;
  const invalid = (problem: string) => new LoranError('INVALID_COMBINATION', `combine: ${problem}`);
  const combination = combinationOf(type);
  if (adapters.length === 0) throw invalid('no adapters are named.');
  if (weights.length !== adapters.length || !weights.every(Number.isFinite)) {
    throw invalid(
      `${adapters.length} adapters (${adapters.join(', ')}) need as many finite weights; given: ${weights.join(', ') || 'none'}.`,
    );
  }
  if (combination.sparsify === undefined) {
    if (density !== undefined) throw invalid(`'${type}' keeps all values; leave out density (${density}).`);
  } else if (density === undefined || !(density > 0 && density <= 1)) {
    throw invalid(
      `'${type}' needs the share of values to keep: density above 0, at most 1; it is ${density ?? 'not given'}.`,
    );
  }
  if (election !== undefined && combination.votes !== true) {
    throw invalid(`'${type}' elects no signs; leave out election ('${election}').`);
  }
  if (!['total', 'frequency', undefined].includes(election)) {
    throw invalid(`election is 'total' or 'frequency', not '${String(election)}'.`);
  }
  if (rank !== undefined && combination.of !== 'updates') {
    throw invalid(
      `the rank of '${type}' follows from the adapters; leave out rank (${rank}), or use a type that ends in svd.`,
    );
  }
  if (rank !== undefined && (!Number.isInteger(rank) || rank < 1)) {
    throw invalid(`rank is a whole number from 1, not ${rank}.`);
  }
  return combination;
}
