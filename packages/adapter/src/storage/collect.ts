import type { WeightSource } from '../contract/frozen-weight.js';
import { ShapeMismatchError } from '../errors/shape-mismatch.js';

/** All values of a source in one array, row-major; throws SHAPE_MISMATCH when it yields more or fewer than it announced. */
export async function collect(source: WeightSource): Promise<Float32Array> {
  const values = new Float32Array(source.rows * source.columns);
  let filled = 0;
  for await (const run of source.values()) {
    if (filled + run.length <= values.length) values.set(run, filled);
    filled += run.length;
  }
  if (filled !== values.length) throw new ShapeMismatchError(source.path, [source.rows, source.columns], [filled]);
  return values;
}
