/**
 * Which modules an adapter goes on, matched as PEFT does: a list holds whole paths or endings after a dot
 * ('query' matches 'encoder.layer.0.attention.self.query'), a string is a regular expression for the whole path, and
 * 'all-linear' means every linear module but the output head.
 */
import { LoranError } from '@loran/plugin';
import type { Adaptable } from './contract/adaptable.js';
import { TargetModulesNotFoundError } from './errors/target-modules-not-found.js';

export type TargetModules = string | readonly string[];

/** Which of the modules matched an adapter leaves out. */
export interface Selection {
  /** Modules that take no adapter though they match, given as target modules are [exclude_modules]. */
  readonly excludeModules?: TargetModules;
  /** Only these layers, by the first number in a path; not for modules named by their whole path [layers_to_transform]. */
  readonly layersToTransform?: readonly number[];
  /** Names of the lists that hold those layers; default any: 'layers', 'h' [layers_pattern]. */
  readonly layersPattern?: readonly string[];
}

/**
 * Paths of the matching modules, in the model's order, without those inside a module that `whole` names. Throws TARGET_MODULES_NOT_FOUND; only
 * the empty list matches nothing without complaint: an adapter that trains `modulesToSave` alone, a linear probe.
 */
export function matchTargetModules(
  model: Adaptable,
  targetModules: TargetModules,
  whole: readonly string[] = [],
  selection: Selection = {},
): string[] {
  if (typeof targetModules !== 'string' && targetModules.length === 0) return [];
  const modules = model.modules();
  const head = model.outputHead ?? [];
  const excluded = new Set(matchContainers([...modules.keys()], whole));
  const matches = matcher(targetModules);
  const isSelected = selector(targetModules, selection);
  const found = [...modules].filter(([path, slot]) => {
    if (excluded.has(path) || !isSelected(path)) return false;
    if (targetModules === 'all-linear') return slot.frozen.kind === 'linear' && !head.includes(path);
    return matches(path);
  });
  if (found.length === 0) throw new TargetModulesNotFoundError([targetModules].flat(), [...modules.keys()]);
  return found.map(([path]) => path);
}

/** The paths that a list of whole names or endings selects. */
function matchNames(paths: readonly string[], names: readonly string[]): string[] {
  return paths.filter((path) => names.some((name) => path === name || path.endsWith(`.${name}`)));
}

/**
 * The same, and all that stands inside a module of such a name: PEFT's `modules_to_save: ["classifier"]` means
 * 'classifier.dense' and 'classifier.out_proj' where the classifier is made of them.
 */
export function matchContainers(paths: readonly string[], names: readonly string[]): string[] {
  return paths.filter((path) => {
    const parts = path.split('.');
    return parts.some((_, i) => matchNames([parts.slice(0, i + 1).join('.')], names).length > 0);
  });
}

/** Paths of the modules that `names` train whole. Throws UNKNOWN_MODULE for a name that the model does not have. */
function matchModulesToSave(paths: readonly string[], names: readonly string[]): string[] {
  const unknown = names.find((name) => matchContainers(paths, [name]).length === 0);
  if (unknown === undefined) return matchContainers(paths, names);
  throw new LoranError('UNKNOWN_MODULE', `modulesToSave names '${unknown}', which the model does not have.`);
}

/**
 * The same modules, in the model's order, and the heads that stay tied to one of them: path -> path of the module whose weight
 * it shares, or undefined for one with a copy of its own.
 */
export function modulesSavedBy(
  model: Adaptable,
  names: readonly string[],
  ensureWeightTying: boolean,
): ReadonlyMap<string, string | undefined> {
  const paths = new Set(matchModulesToSave([...model.modules().keys()], names));
  if (!ensureWeightTying) return new Map([...paths].map((path) => [path, undefined]));
  const ties = [...(model.tied ?? [])].filter(([, embedding]) => paths.has(embedding));
  for (const [head] of ties) paths.delete(head);
  return new Map([...[...paths].map((path) => [path, undefined] as const), ...ties]);
}

/** An adapter's update of tied weights, one for both, is not computed. Throws TIED_TARGETS. */
export function refuseTiedTargets({ tied = new Map() }: Adaptable, paths: readonly string[]): void {
  const found = [...tied].flat().find((path) => paths.includes(path));
  if (found === undefined) return;
  throw new LoranError(
    'TIED_TARGETS',
    `The adapter is on '${found}', a weight that embedding and output head share, and ensureWeightTying (ensure_weight_tying) asks for one update of both, which is not computed. Name the embedding in modulesToSave (modules_to_save), or merge the adapter with PEFT.`,
  );
}

/** The shortest list that matches exactly these paths: the endings that they share, else the paths themselves. */
export function namesFor(model: Adaptable, paths: readonly string[]): readonly string[] {
  const endings = [...new Set(paths.map((path) => path.slice(path.lastIndexOf('.') + 1)))];
  const matched = matchNames([...model.modules().keys()], endings);
  return matched.length === paths.length ? endings : paths;
}

function selector(targetModules: TargetModules, selection: Selection): (path: string) => boolean {
  const { excludeModules = [], layersToTransform = [], layersPattern = [] } = selection;
  const isExcluded = matcher(excludeModules);
  const named = layersPattern.map((pattern) =>
    regularExpression('layersPattern', `^(?:.*?\\.)?${pattern}\\.(\\d+)\\.`),
  );
  const layer = named.length > 0 ? named : [/^.*?\.[^.]*\.(\d+)\./];
  return (path) => {
    if (isExcluded(path)) return false;
    if (layersToTransform.length === 0 || typeof targetModules === 'string' || targetModules.includes(path))
      return true;
    const index = layer.map((pattern) => pattern.exec(path)?.[1]).find((found) => found !== undefined);
    return index !== undefined && layersToTransform.includes(Number(index));
  };
}

function matcher(targetModules: TargetModules): (path: string) => boolean {
  if (typeof targetModules !== 'string') return (path) => matchNames([path], targetModules).length > 0;
  if (targetModules === 'all-linear') return () => false;
  const pattern = regularExpression('targetModules', `^(?:${targetModules})$`);
  return (path) => pattern.test(path);
}

function regularExpression(option: string, pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (cause) {
    throw new LoranError(
      'INVALID_CONFIG',
      `${option}: /${pattern}/ is not a regular expression. Write a list to match module names.`,
      { cause },
    );
  }
}
