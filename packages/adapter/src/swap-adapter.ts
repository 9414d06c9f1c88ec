/**
 * Other values for an adapter that is already there, in its own variables: shapes and scalings stay what they are, so that whatever
 * an engine compiled for the model still fits.
 *
 *   scaling'·B'·A'  in the place of  scaling·B·A        A [r, in] ← [A'; 0]        B [out, r] ← [scaling'/scaling · B', 0]
 *
 * A' may have a smaller rank r'. What is no product of two factors is swapped for the same configuration only. Values are
 * converted here and not by the engine, which would have to compile that.
 */
import { isDeepStrictEqual } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import type { Adapter } from './adapter.js';
import { adapterStatus } from './adapter-status.js';
import type { Adaptable } from './contract/adaptable.js';
import type { AdapterLayer, FactoredUpdate } from './contract/adapter-method.js';
import { ShapeMismatchError } from './errors/shape-mismatch.js';

interface Assignment {
  readonly variable: Variable;
  readonly values: Float32Array; // in the variable's shape
}

/** See AdapterSet.swap. All is read and checked before the first value changes. */
export async function swapValues(model: Adaptable, own: Adapter, from: Adapter): Promise<void> {
  refuseSwapInto(model, own);
  if (own.method.name !== from.method.name || own.method.package !== from.method.package) {
    throw notSwappable(own, `is of the method '${own.method.name}', the new values are of '${from.method.name}'`);
  }
  const assignments: Assignment[] = [];
  for (const [path, layer, other] of inPairs(own, from)) {
    const [into, values] = [ownFactors(layer), other.factored === undefined ? undefined : other.factored()];
    try {
      assignments.push(
        ...(into === undefined || values === undefined
          ? await sameParameters(own, from, path, [layer, other])
          : await factors(own, path, into, values)),
      );
    } finally {
      values?.release?.();
    }
  }
  for (const { variable, values } of assignments) {
    const tensor = tf.tensor(values, variable.shape, 'float32');
    variable.assign(tensor);
    tensor.dispose();
  }
  const other = own.fingerprint !== undefined && from.fingerprint !== undefined && own.fingerprint !== from.fingerprint;
  own.warnings.splice(0, own.warnings.length, ...from.warnings); // the old ones were about the old values
  if (other) own.warnings.push(`The values of '${own.name}' are from a base of other weights, so results will differ.`);
}

/** Throws ALREADY_MERGED, and NOT_SWAPPABLE for an adapter that replaced frozen weights. */
export function refuseSwapInto(model: Adaptable, own: Adapter): void {
  const { merged, replaces } = adapterStatus(model, own);
  if (merged) {
    throw new LoranError(
      'ALREADY_MERGED',
      `Cannot swap '${own.name}' while it is merged into the weights, which would keep its old values. Call unmerge() first.`,
    );
  }
  if (replaces.length > 0) {
    throw notSwappable(own, `replaced the frozen weight of '${replaces[0]}', which would stay that of the old values`);
  }
}

/** The layers of both by their module. Throws NOT_SWAPPABLE where one of them is alone. */
function inPairs(own: Adapter, from: Adapter): (readonly [string, AdapterLayer, AdapterLayer])[] {
  const pair = (
    ours: ReadonlyMap<string, AdapterLayer>,
    theirs: ReadonlyMap<string, AdapterLayer>,
    does: string,
    end: string,
  ) => {
    const extra = [...theirs.keys()].find((path) => !ours.has(path));
    if (extra !== undefined) throw notSwappable(own, `does not ${does} '${extra}'${end}, as the new values do`);
    return [...ours].map(([path, layer]) => {
      const other = theirs.get(path);
      if (other === undefined) throw notSwappable(own, `${does}s '${path}'${end}, which the new values do not`);
      return [path, layer, other] as const;
    });
  };
  return [
    ...pair(own.layers, from.layers, 'adapt', ''),
    ...pair(own.savedModules, from.savedModules, 'train', ' whole'),
  ];
}

/** The factors that a layer computes with, where they are its own variables: not those of an update that subtracts its start. */
function ownFactors(layer: AdapterLayer): (FactoredUpdate & { readonly A: Tensor; readonly B: Tensor }) | undefined {
  const update = layer.factored?.();
  if (update === undefined) return undefined;
  const parameters: ReadonlySet<Tensor> = new Set(layer.parameters.values());
  if (parameters.size === 2 && parameters.has(update.A) && parameters.has(update.B)) return update;
  update.release?.();
  return undefined;
}

async function factors(
  own: Adapter,
  path: string,
  into: FactoredUpdate,
  { A, B, scaling }: FactoredUpdate,
): Promise<Assignment[]> {
  const [[rank, columns], [rows], [newRank]] = [into.A.shape, into.B.shape, A.shape];
  if (A.shape[1] !== columns) throw new ShapeMismatchError(`${path}.A`, [rank, columns], A.shape);
  if (B.shape[0] !== rows) throw new ShapeMismatchError(`${path}.B`, [rows, rank], B.shape);
  if (newRank > rank) {
    throw new LoranError(
      'RANK_MISMATCH',
      `'${own.name}' has rank ${rank} at '${path}', the new values have rank ${newRank}; they may have a smaller one, not a larger. Add the adapter of the largest rank first, or this one under a name of its own.`,
    );
  }
  const [valuesA, valuesB] = [await A.data<'float32'>(), await B.data<'float32'>()];
  const ratio = scaling / into.scaling;
  const paddedA = new Float32Array(rank * columns);
  paddedA.set(valuesA);
  const paddedB = new Float32Array(rows * rank);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < newRank; k++) paddedB[row * rank + k] = valuesB[row * newRank + k]! * ratio;
  }
  return [
    { variable: into.A as unknown as Variable, values: paddedA },
    { variable: into.B as unknown as Variable, values: paddedB },
  ];
}

/** Parameter by parameter, for a layer whose values mean the same under one configuration. */
async function sameParameters(
  own: Adapter,
  from: Adapter,
  path: string,
  [layer, other]: readonly [AdapterLayer, AdapterLayer],
): Promise<Assignment[]> {
  if (layer.saved !== undefined || other.saved !== undefined) {
    throw notSwappable(own, `or the new one computes '${path}' with what its start made of the frozen weight`);
  }
  if (!own.savedModules.has(path)) await refuseOtherConfig(own, from, path);
  const [names, others] = [[...layer.parameters.keys()].sort(), [...other.parameters.keys()].sort()];
  if (String(names) !== String(others)) {
    const list = (of: readonly string[]) => of.join(', ') || 'no parameters';
    throw notSwappable(own, `has ${list(names)} at '${path}', the new values are ${list(others)}`);
  }
  const assignments: Assignment[] = [];
  for (const [name, variable] of layer.parameters) {
    const given = other.parameters.get(name)!;
    if (String(given.shape) !== String(variable.shape)) {
      throw new ShapeMismatchError(`${path}.${name}`, variable.shape, given.shape);
    }
    assignments.push({ variable, values: Float32Array.from(await given.data<'float32'>()) });
  }
  return assignments;
}

async function refuseOtherConfig(own: Adapter, from: Adapter, path: string): Promise<void> {
  const [ours, theirs] = [own, from].map(({ config, plugins }) =>
    plain({ ...(config as object), plugins: plugins.map(({ kind, name, package: of }) => `${kind} ${name} of ${of}`) }),
  ) as [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>];
  const fields = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  const other = fields.find((field) => !isDeepStrictEqual(ours[field], theirs[field]));
  if (other !== undefined) {
    const [old, given] = [JSON.stringify(ours[other]), JSON.stringify(theirs[other])];
    throw notSwappable(
      own,
      `is no product of two factors at '${path}', so that new values need its configuration, but '${other}' is ${old} here and ${given} there`,
    );
  }
  for (const name of new Set([...own.shared.keys(), ...from.shared.keys()])) {
    const [old, given] = [await own.shared.get(name)?.data(), await from.shared.get(name)?.data()];
    if (!isDeepStrictEqual(old, given)) throw notSwappable(own, `shares another '${name}' among its layers`);
  }
}

/** A configuration as comparable values: plugins by their name. */
const plain = (config: unknown): unknown =>
  JSON.parse(
    JSON.stringify(config, (_, value: unknown) =>
      typeof value === 'object' && value !== null && 'kind' in value && 'name' in value ? value.name : value,
    ),
  );

function notSwappable({ name }: Adapter, what: string): LoranError {
  return new LoranError(
    'NOT_SWAPPABLE',
    `'${name}' keeps its values: it ${what}. Add the new ones as an adapter under a name of their own (loadAdapter, add) and activate that.`,
  );
}
