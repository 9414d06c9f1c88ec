/** Which base storage keeps which module. */
import { type BaseStorage, fp32 } from '@loran/adapter';
import type { EmbeddingSpec, LinearSpec } from './module-spec.js';

/** Where weights are kept; see LinearSpec.keptAs. */
export interface Storages {
  /** By the path of a linear layer. */
  readonly base: (path: string) => BaseStorage;
  readonly embeddings: BaseStorage;
  /** Storages that restore what a checkpoint holds packed in their way, wherever else the weights are kept. */
  readonly packedBy: readonly BaseStorage[];
}

/** Where a loader's options keep weights. */
export interface StorageOptions extends PackedOptions {
  /** Storage of the linear layers, one for all or by path; default fp32. */
  readonly base?: BaseStorage | ((path: string) => BaseStorage);
  readonly embeddings?: BaseStorage;
}

export interface PackedOptions {
  /**
   * Storages that restore weights which the checkpoint holds packed in their way (bitsandbytes' NF4 and FP4), whatever `base` is; what is
   * packed stays as it is. Default: `base` alone, and other packed weights are refused.
   */
  readonly packedBy?: Iterable<BaseStorage>;
}

/** `base` for all linear layers or by path, as options give it. */
export function storages({ base = fp32, embeddings = fp32, packedBy = [] }: StorageOptions): Storages {
  return { base: typeof base === 'function' ? base : () => base, embeddings, packedBy: [...packedBy] };
}

export function storageOf(spec: LinearSpec | EmbeddingSpec, { base, embeddings }: Storages): BaseStorage {
  if (spec.kind === 'embedding' || spec.keptAs === 'embeddings') return embeddings;
  return spec.keptAs === 'fp32' ? fp32 : base(spec.path);
}
