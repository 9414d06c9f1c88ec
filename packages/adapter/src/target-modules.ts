/**
 * Which modules an adapter goes on, matched as PEFT does: a list holds whole paths or endings after a dot
 * ('query' matches 'encoder.layer.0.attention.self.query'), a string is a regular expression for the whole path, and
 * 'all-linear' means every linear module but the output head.
 */
import { LoranError } from '@loran/plugin';
import type { Adaptable } from './contract/adaptable.js';
import { TargetModulesNotFoundError } from './errors/target-modules-not-found.js';

export type TargetModules = string | readonly string[];

/**
 * Paths of the matching modules, in the model's order, without those in `exclude`. Throws TARGET_MODULES_NOT_FOUND; only
 * the empty list matches nothing without complaint: an adapter that trains `modulesToSave` alone, a linear probe.
 */
export function matchTargetModules(
  model: Adaptable,
  targetModules: TargetModules,
  exclude: readonly string[] = [],
): string[] {
  if (typeof targetModules !== 'string' && targetModules.length === 0) return [];
  const modules = model.modules();
  const head = model.outputHead ?? [];
  const excluded = new Set(matchContainers([...modules.keys()], exclude));
  const matches = matcher(targetModules);
  const found = [...modules].filter(([path, slot]) => {
    if (excluded.has(path)) return false;
    if (targetModules === 'all-linear') return slot.frozen.kind === 'linear' && !head.includes(path);
    return matches(path);
  });
  if (found.length === 0) throw new TargetModulesNotFoundError([targetModules].flat(), [...modules.keys()]);
  return found.map(([path]) => path);
}

/** The paths that a list of whole names or endings selects. */
export function matchNames(paths: readonly string[], names: readonly string[]): string[] {
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

function matcher(targetModules: TargetModules): (path: string) => boolean {
  if (typeof targetModules !== 'string') return (path) => matchNames([path], targetModules).length > 0;
  if (targetModules === 'all-linear') return () => false;
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^(?:${targetModules})$`);
  } catch (cause) {
    throw new LoranError(
      'INVALID_CONFIG',
      `targetModules '${targetModules}' is not a regular expression. Write a list to match module names.`,
      { cause },
    );
  }
  return (path) => pattern.test(path);
}
