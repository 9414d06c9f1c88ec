/** Finds what a model needs in a checkpoint, under the names it may have there. */
import type { TensorFile } from '@loran/formats';
import { ModelError } from '../model-error.js';

export interface LocatedTensors {
  /** Name in the model -> name in the file. */
  readonly stored: ReadonlyMap<string, string>;
  /** Names in the file that nothing asked for. */
  readonly unused: readonly string[];
}

/**
 * `namesOf` gives the names under which a tensor may be stored, the preferred first.
 * Throws MISSING_WEIGHTS and WEIGHT_SHAPES, which list every tensor concerned.
 */
export function locateTensors(
  file: TensorFile,
  shapes: ReadonlyMap<string, readonly number[]>,
  namesOf: (name: string) => readonly string[],
): LocatedTensors {
  const stored = new Map<string, string>();
  const missing: string[] = [];
  const wrong: string[] = [];
  for (const [name, shape] of shapes) {
    const found = namesOf(name).find((candidate) => file.tensors.has(candidate));
    if (found === undefined) {
      missing.push(name);
      continue;
    }
    const given = file.tensors.get(found)?.shape ?? [];
    if (given.length !== shape.length || given.some((size, i) => size !== shape[i])) {
      wrong.push(`${found} is [${given.join(', ')}], expected [${shape.join(', ')}]`);
    }
    stored.set(name, found);
  }
  if (missing.length > 0) {
    throw new ModelError(
      'MISSING_WEIGHTS',
      `${file.name} lacks ${missing.length} of ${shapes.size} weights: ${listed(missing)}. It holds, for example, ${listed([...file.tensors.keys()], 3)}. Is it the checkpoint of this config.json?`,
    );
  }
  if (wrong.length > 0) {
    throw new ModelError(
      'WEIGHT_SHAPES',
      `${file.name}: ${listed(wrong, 6)}. Its config.json describes a model of another size, or the weights are packed by a quantisation.`,
    );
  }
  const used = new Set(stored.values());
  return { stored, unused: [...file.tensors.keys()].filter((name) => !used.has(name)) };
}

/** What to say of tensors that a model leaves aside, if there are any. */
export function unusedWarning(file: TensorFile, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${file.name} holds tensors that this model does not use: ${listed(names)}.`];
}

/** 'a, b, c and 12 more' */
export function listed(names: readonly string[], limit = 20): string {
  if (names.length === 0) return 'nothing';
  const rest = names.length - limit;
  return names.slice(0, limit).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
