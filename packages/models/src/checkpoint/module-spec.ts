/**
 * What a model is made of, said before anything is loaded: so that everything missing is reported at once, and loading is
 * one loop. Paths are those of the Hugging Face class.
 */
export type ModuleSpec = LinearSpec | EmbeddingSpec | NormSpec;

export interface LinearSpec {
  readonly kind: 'linear';
  readonly path: string;
  readonly rows: number; // output features
  readonly columns: number; // input features
  readonly bias: boolean;
  /** Stored as [in, out], as GPT-2's Conv1D has it; default [out, in]. */
  readonly conv1d?: boolean;
  /** Where it is kept when not in the base storage: 'fp32' for classifiers, 'embeddings' as the embeddings are. */
  readonly keptAs?: 'fp32' | 'embeddings';
}

export interface EmbeddingSpec {
  readonly kind: 'embedding';
  readonly path: string;
  readonly rows: number;
  readonly columns: number;
}

export interface NormSpec {
  readonly kind: 'layer-norm' | 'rms-norm';
  readonly path: string;
  readonly size: number;
  readonly epsilon: number;
  /** Added to the stored weight: Gemma stores γ − 1. Default 0. */
  readonly offset?: number;
}

/** Names and shapes of the tensors that these modules need. */
export function tensorShapes(specs: readonly ModuleSpec[]): ReadonlyMap<string, readonly number[]> {
  return new Map(
    specs.flatMap((spec): [string, readonly number[]][] => {
      switch (spec.kind) {
        case 'linear':
          return [
            [`${spec.path}.weight`, spec.conv1d === true ? [spec.columns, spec.rows] : [spec.rows, spec.columns]],
            ...(spec.bias ? [[`${spec.path}.bias`, [spec.rows]] as [string, number[]]] : []),
          ];
        case 'embedding':
          return [[`${spec.path}.weight`, [spec.rows, spec.columns]]];
        case 'layer-norm':
          return [
            [`${spec.path}.weight`, [spec.size]],
            [`${spec.path}.bias`, [spec.size]],
          ];
        case 'rms-norm':
          return [[`${spec.path}.weight`, [spec.size]]];
      }
    }),
  );
}
