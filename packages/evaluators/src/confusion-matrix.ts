/**
 * The confusion matrix of a classification: how often reference r was predicted as p. All classification evaluators are functions of it.
 *
 *   cells [classes · classes]   cells[r · classes + p]      rows: references      columns: predictions
 */
export interface ConfusionMatrix {
  /** The labels that occur in references or predictions, in the order of rows and columns. */
  readonly labels: readonly string[];
  readonly cells: Float64Array; // [classes · classes]
  readonly correct: Float64Array; // [classes], the diagonal
  readonly referenced: Float64Array; // [classes], sums of rows
  readonly predicted: Float64Array; // [classes], sums of columns
  readonly total: number;
}

/** A function that makes the matrix with pair i counted `counts[i]` times. */
export function confusion(
  predictions: readonly string[],
  references: readonly string[],
): (counts: ArrayLike<number>) => ConfusionMatrix {
  const labels = [...new Set([...references, ...predictions])].sort();
  const indices = new Map(labels.map((label, index) => [label, index]));
  const classes = labels.length;
  const row = Int32Array.from(references, (label) => indices.get(label)!);
  const column = Int32Array.from(predictions, (label) => indices.get(label)!);

  return (counts) => {
    const cells = new Float64Array(classes * classes);
    const correct = new Float64Array(classes);
    const referenced = new Float64Array(classes);
    const predicted = new Float64Array(classes);
    let total = 0;
    for (let pair = 0; pair < row.length; pair++) {
      const count = counts[pair]!;
      const r = row[pair]!;
      const p = column[pair]!;
      cells[r * classes + p]! += count;
      referenced[r]! += count;
      predicted[p]! += count;
      if (r === p) correct[r]! += count;
      total += count;
    }
    return { labels, cells, correct, referenced, predicted, total };
  };
}
