/**
 * What a model is made of, said before anything is loaded: so that everything missing is reported at once, and loading is
 * one loop. Paths are those of the Hugging Face class.
 */
export type ModuleSpec =
  | {
      readonly kind: 'linear';
      readonly path: string;
      readonly rows: number; // output features
      readonly columns: number; // input features
      /** Kept in fp32 whatever base storage is chosen: output heads. */
      readonly fp32?: boolean;
    }
  | { readonly kind: 'embedding'; readonly path: string; readonly rows: number; readonly columns: number }
  | { readonly kind: 'layer-norm'; readonly path: string; readonly size: number };

/** Names and shapes of the tensors that these modules need. */
export function tensorShapes(specs: readonly ModuleSpec[]): ReadonlyMap<string, readonly number[]> {
  return new Map(
    specs.flatMap((spec): [string, readonly number[]][] => {
      switch (spec.kind) {
        case 'linear':
          return [
            [`${spec.path}.weight`, [spec.rows, spec.columns]],
            [`${spec.path}.bias`, [spec.rows]],
          ];
        case 'embedding':
          return [[`${spec.path}.weight`, [spec.rows, spec.columns]]];
        case 'layer-norm':
          return [
            [`${spec.path}.weight`, [spec.size]],
            [`${spec.path}.bias`, [spec.size]],
          ];
      }
    }),
  );
}
