/** Which base storage keeps which module. */
import { type BaseStorage, fp32 } from '@loran/adapter';
import type { EmbeddingSpec, LinearSpec } from './module-spec.js';

/** Where weights are kept; see LinearSpec.keptAs. */
export interface Storages {
  /** By the path of a linear layer. */
  readonly base: (path: string) => BaseStorage;
  readonly embeddings: BaseStorage;
}

/** `base` for all linear layers or by path, as options give it. */
export function storages({
  base = fp32,
  embeddings = fp32,
}: {
  readonly base?: BaseStorage | ((path: string) => BaseStorage);
  readonly embeddings?: BaseStorage;
}): Storages {
  return { base: typeof base === 'function' ? base : () => base, embeddings };
}

export function storageOf(spec: LinearSpec | EmbeddingSpec, { base, embeddings }: Storages): BaseStorage {
  if (spec.kind === 'embedding' || spec.keptAs === 'embeddings') return embeddings;
  return spec.keptAs === 'fp32' ? fp32 : base(spec.path);
}
