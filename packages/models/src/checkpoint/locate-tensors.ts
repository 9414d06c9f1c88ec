/** Finds what a model needs in a checkpoint, under the names it may have there. */
import type { TensorFile } from '@loran/formats';
import { ModelError } from '../model-error.js';
import { type ModuleSpec, tensorShapes } from './module-spec.js';
import { packedAdvice, type PackedWeight, packedWeight, partNames } from './packed-weight.js';
import { AbsentWeights } from '../source/absent-weights.js';
import type { Storages } from './storages.js';

export interface LocatedTensors {
  /** Name in the model -> name in the file. */
  readonly stored: ReadonlyMap<string, string>;
  /** Path of a module -> its weight in the parts of a base storage. */
  readonly packed: ReadonlyMap<string, PackedWeight>;
  /** Names in the file that nothing asked for. */
  readonly unused: readonly string[];
}

/**
 * `namesOf` gives the names under which a tensor may be stored, the preferred first.
 * Throws MISSING_WEIGHTS and WEIGHT_SHAPES, which list every tensor concerned.
 */
export function locateTensors(
  file: TensorFile,
  specs: readonly ModuleSpec[],
  namesOf: (name: string) => readonly string[],
  storages: Storages,
): LocatedTensors {
  const shapes = tensorShapes(specs);
  const stored = new Map<string, string>();
  const packed = new Map<string, PackedWeight>();
  if (file instanceof AbsentWeights) for (const [name, shape] of shapes) file.promise(namesOf(name)[0] ?? name, shape);
  const findName = (name: string) => namesOf(name).find((candidate) => file.tensors.has(candidate));
  for (const spec of specs) {
    if (spec.kind !== 'linear' && spec.kind !== 'embedding') continue;
    const weight = findName(`${spec.path}.weight`);
    const found = weight === undefined ? undefined : packedWeight(file.tensors, spec, weight, storages);
    if (found === undefined) continue;
    packed.set(spec.path, found);
    stored.set(`${spec.path}.weight`, weight!);
  }
  const missing: string[] = [];
  const wrong = new Map<string, string>(); // name in the file -> what is wrong
  for (const [name, shape] of shapes) {
    if (stored.has(name)) continue;
    const found = findName(name);
    if (found === undefined) {
      missing.push(name);
      continue;
    }
    const given = file.tensors.get(found)?.shape ?? [];
    if (given.length !== shape.length || given.some((size, i) => size !== shape[i])) {
      wrong.set(found, `${found} is [${given.join(', ')}], expected [${shape.join(', ')}]`);
    }
    stored.set(name, found);
  }
  if (missing.length > 0) {
    throw new ModelError(
      'MISSING_WEIGHTS',
      `${file.name} lacks ${missing.length} of ${shapes.size} weights: ${listed(missing)}. It holds, for example, ${listed([...file.tensors.keys()], 3)}. Is it the checkpoint of this config.json?`,
    );
  }
  if (wrong.size > 0) {
    throw new ModelError(
      'WEIGHT_SHAPES',
      packedAdvice(file, [...wrong.keys()]) ??
        `${file.name}: ${listed([...wrong.values()], 6)}. Its config.json describes a model of another size, or the weights are packed by a quantisation.`,
    );
  }
  const used = new Set([...stored.values(), ...[...packed.values()].flatMap(partNames)]);
  return { stored, packed, unused: [...file.tensors.keys()].filter((name) => !used.has(name)) };
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
