/**
 * Parameter groups: one optimiser for each group of parameters, each at its own multiple of the training's learning rate.
 *
 *   parameterGroups([{ name: 'output side', match: /\.B$/, optimizer: adamW(), rateRatio: 16 }, { name: 'rest', match: /./, optimizer: adamW() }])
 *
 * The result is an ordinary optimiser, so schedules, clipping and the check for NaN go on as with one. The first group that
 * matches a parameter has it.
 */
import type { Variable } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { requireOption } from '../training-option-error.js';
import type { Optimizer } from './optimizer.js';

export interface ParameterGroup {
  /** For errors and the record: 'output side'. */
  readonly name: string;
  /** Whose parameters these are, by name ('layer.0.query.B'), or by name and value. */
  readonly match: RegExp | ((name: string, parameter: Variable) => boolean);
  /** Its own: no two groups share one. */
  readonly optimizer: Optimizer;
  /** Learning rate of the group, as a multiple of the training's; default 1. */
  readonly rateRatio?: number;
  /** Whether it may match nothing; default no, so that a pattern that is wrong does not go unnoticed. */
  readonly optional?: boolean;
}

/**
 * An optimiser made of those of the groups. Throws TRAINING_OPTION for a ratio that is not above 0; `start` throws
 * PARAMETER_GROUP_EMPTY and PARAMETER_WITHOUT_GROUP.
 */
export function parameterGroups(groups: readonly ParameterGroup[], name = 'parameter-groups'): Optimizer {
  for (const { rateRatio = 1 } of groups)
    requireOption('rateRatio', rateRatio, rateRatio > 0 && Number.isFinite(rateRatio), 'a number above 0');
  let started: readonly { readonly group: ParameterGroup; readonly names: readonly string[] }[] = [];

  return {
    name,
    settings: {
      groups: groups.map(({ name, optimizer, rateRatio = 1 }) => ({
        name,
        rateRatio,
        optimizer: optimizer.name,
        ...optimizer.settings,
      })),
    },
    start(parameters) {
      const members = sort(parameters, groups);
      started = groups.map((group, i) => ({ group, names: members[i]! })).filter(({ names }) => names.length > 0);
      for (const { group, names } of started) group.optimizer.start(part(parameters, names));
    },
    step(gradients, { step, learningRate }) {
      for (const { group, names } of started) {
        const own = part(
          gradients,
          names.filter((each) => gradients.has(each)),
        ); // the optimiser says which one is missing
        group.optimizer.step(own, { step, learningRate: learningRate * (group.rateRatio ?? 1) });
      }
    },
    state: () => new Map(started.flatMap(({ group }) => [...group.optimizer.state()])),
    dispose() {
      for (const { group } of started) group.optimizer.dispose();
      started = [];
    },
  };
}

/** The names of each group's parameters. */
function sort(parameters: ReadonlyMap<string, Variable>, groups: readonly ParameterGroup[]): string[][] {
  const members = groups.map((): string[] => []);
  for (const [name, parameter] of parameters) {
    const own = groups.findIndex(({ match }) =>
      match instanceof RegExp ? name.search(match) >= 0 : match(name, parameter),
    );
    if (own < 0) {
      throw new LoranError(
        'PARAMETER_WITHOUT_GROUP',
        `The parameter '${name}' is in none of the groups ${groups.map((group) => `'${group.name}'`).join(', ')}. Let the last one match everything.`,
      );
    }
    members[own]!.push(name);
  }
  const empty = groups.find(({ optional = false }, i) => !optional && members[i]!.length === 0);
  if (empty === undefined) return members;
  const names = [...parameters.keys()];
  throw new LoranError(
    'PARAMETER_GROUP_EMPTY',
    `The group '${empty.name}' has no parameters: ${String(empty.match)} matches none of ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}.`,
  );
}

const part = <T>(all: ReadonlyMap<string, T>, names: readonly string[]): ReadonlyMap<string, T> =>
  new Map(names.map((name) => [name, all.get(name)!]));
