/** A weight that a checkpoint holds in a base storage's own parts: it is restored as it is, never quantised a second time. */
import type { BaseStorage, FrozenWeight } from '@loran/adapter';
import { fromFloat32, isBlockType, type TensorBytes, type TensorFile } from '@loran/formats';
import { LoranError } from '@loran/plugin';
import { ModelError } from '../model-error.js';
import type { EmbeddingSpec, LinearSpec } from './module-spec.js';
import { storageOf, type Storages } from './storages.js';

type WeightSpec = LinearSpec | EmbeddingSpec;

export interface PackedWeight {
  readonly storage: BaseStorage;
  /** The module's path in the files. */
  readonly path: string;
  /** Part names: 'weight', 'weight.absmax', … */
  readonly parts: readonly string[];
}

/** The names of its tensors in the files. */
export const partNames = ({ path, parts }: PackedWeight): string[] => parts.map((part) => `${path}.${part}`);

/** `weight`: its name in the files. A head that is not kept in the base storage is still restored by it, where it is packed. */
export function packedWeight(
  names: Pick<ReadonlySet<string>, 'has'>,
  spec: WeightSpec,
  weight: string,
  storages: Storages,
): PackedWeight | undefined {
  const path = weight.slice(0, -'.weight'.length);
  for (const storage of [storageOf(spec, storages), storages.base(spec.path), ...storages.packedBy]) {
    const parts = storage.recognises?.(names, path);
    if (parts !== undefined) return { storage, path, parts };
  }
  return undefined;
}

/** Throws WEIGHT_SHAPES, and what the reader and the storage throw, with the tensor's name. */
export async function restoreWeight(
  file: TensorFile,
  { kind, rows, columns }: WeightSpec,
  { storage, path, parts }: PackedWeight,
  bias: Float32Array | null,
): Promise<FrozenWeight> {
  const read = new Map<string, TensorBytes>();
  for (const part of parts) {
    const { dtype, shape, data } = await file.read(`${path}.${part}`);
    if (isBlockType(dtype)) throw new ModelError('WEIGHT_SHAPES', `${file.name}: ${path}.${part} is packed twice.`);
    read.set(part, { dtype, shape, data });
  }
  if (bias !== null) read.set('bias', { dtype: 'F32', shape: [bias.length], data: fromFloat32(bias, 'F32') });
  const frozen = restored(file, path, () => storage.restore(kind, read));
  if (frozen.rows === rows && frozen.columns === columns) return frozen;
  frozen.dispose();
  throw new ModelError(
    'WEIGHT_SHAPES',
    `${file.name}: ${path}.weight is packed from [${frozen.rows}, ${frozen.columns}], expected [${rows}, ${columns}]. Its config.json describes a model of another size.`,
  );
}

function restored(file: TensorFile, path: string, restore: () => FrozenWeight): FrozenWeight {
  try {
    return restore();
  } catch (cause) {
    if (!LoranError.is(cause)) throw cause;
    throw new LoranError(cause.code, `${file.name}: ${path}: ${cause.message}`, { cause });
  }
}

/** What to do about weights that no storage chosen restores; `undefined` where bitsandbytes did not pack them. */
export function packedAdvice(file: TensorFile, weights: readonly string[]): string | undefined {
  const types = new Map<string, string>();
  for (const name of file.tensors.keys()) {
    const [weight = '', type] = name.split('.quant_state.bitsandbytes__');
    if (type !== undefined) types.set(weight, type);
  }
  const packed = weights.filter((weight) => types.has(weight));
  const [first] = packed;
  if (first === undefined) return undefined;
  return `${file.name}: ${packed.length} weights are packed by bitsandbytes as ${types.get(first) ?? ''} (${first} …), which the base storage chosen does not restore. Give one that does: { packedBy: [nf4, fp4] } of @loran/qlora.`;
}
