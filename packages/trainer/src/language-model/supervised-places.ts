/** The places of a batch that are learned: hidden states to score, and the tokens that they should predict. */

export interface SupervisedPlaces {
  /** Places in a flattened rectangle whose hidden states are scored; filled up with 0. */
  readonly rows: Int32Array; // [rows]
  /** The token that follows each; filled up with 0. */
  readonly targets: Int32Array; // [rows]
  /** 1 for a place, 0 for filling. */
  readonly weights: Float32Array; // [rows]
  /** Places without filling. */
  readonly supervised: number;
  /** Which text of the batch each place belongs to, without filling. */
  readonly owners: Int32Array; // [supervised]
}

export interface Place {
  readonly owner: number;
  readonly row: number;
  readonly target: number;
}

/** Filled up to a multiple of 32, and beyond 512 of 256, so that few shapes arise. */
export function supervisedPlaces(places: readonly Place[]): SupervisedPlaces {
  const supervised = places.length;
  const step = supervised > 512 ? 256 : 32;
  const size = Math.max(1, Math.ceil(supervised / step)) * step;
  const rows = new Int32Array(size);
  const targets = new Int32Array(size);
  places.forEach(({ row, target }, i) => {
    rows[i] = row;
    targets[i] = target;
  });
  return {
    rows,
    targets,
    weights: new Float32Array(size).fill(1, 0, supervised),
    supervised,
    owners: Int32Array.from(places, ({ owner }) => owner),
  };
}
