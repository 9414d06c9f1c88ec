/**
 * A file of tensors in which some matrices [vocabulary, width] have another number of rows: cut off at the end, or followed by
 * rows that all are the mean of those there are. A new token then begins as a middling one, and the probabilities of the others
 * hardly change (Hewitt, "Initializing New Word Embeddings for Pretrained Language Models", 2021); transformers draws its new
 * rows around the same mean.
 */
import { fromFloat32, isFloat, toFloat32, type StoredType, type TensorFile, type TensorInfo } from '@loran/formats';

/** `names`: the matrices. Tensors are resized while they are read. */
export function resizedFile(file: TensorFile, names: ReadonlySet<string>, rows: number): TensorFile {
  const tensors = new Map(
    [...file.tensors].map(([name, info]) => [name, names.has(name) ? resizedInfo(info, rows) : info] as const),
  );
  const values = (name: string): AsyncIterable<Float32Array> => {
    const info = file.tensors.get(name);
    if (info === undefined || !names.has(name)) return file.values(name); // which says that there is none
    const [height = 0, width = 0] = info.shape;
    return resizedRows(file.values(name), { height, width, rows, dtype: resizedType(info.dtype) });
  };
  return {
    name: file.name,
    tensors,
    metadata: file.metadata,
    values,
    async read(name) {
      if (!names.has(name)) return file.read(name);
      const info = tensors.get(name)!;
      const whole = new Float32Array(info.shape.reduce((product, size) => product * size, 1));
      let filled = 0;
      for await (const run of values(name)) {
        whole.set(run, filled);
        filled += run.length;
      }
      return { ...info, data: fromFloat32(whole, resizedType(info.dtype)) };
    },
    close: () => file.close(),
    ...(file.reopen === undefined
      ? {}
      : { reopen: async () => resizedFile((await file.reopen?.()) ?? file, names, rows) }),
  };
}

/** What a model is usually kept in, where the file's own type is packed, or wider than any model needs. */
function resizedType(dtype: StoredType): 'F32' | 'F16' | 'BF16' {
  if (dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') return dtype;
  return isFloat(dtype) ? 'F32' : 'F16';
}

function resizedInfo({ dtype: stored, shape: [, width = 0] }: TensorInfo, rows: number): TensorInfo {
  const dtype = resizedType(stored);
  return { dtype, shape: [rows, width], byteLength: (dtype === 'F32' ? 4 : 2) * rows * width };
}

interface Resizing {
  readonly height: number;
  readonly width: number;
  readonly rows: number;
  /** What the mean is rounded to, so that it is the same in memory and in a file. */
  readonly dtype: 'F32' | 'F16' | 'BF16';
}

async function* resizedRows(
  runs: AsyncIterable<Float32Array>,
  { height, width, rows, dtype }: Resizing,
): AsyncGenerator<Float32Array> {
  const sums = new Float64Array(width);
  let left = rows * width; // values that are still wanted
  let column = 0;
  for await (const run of runs) {
    const kept = run.length <= left ? run : run.subarray(0, left);
    left -= kept.length;
    for (const value of run) {
      sums[column]! += value;
      column = column + 1 === width ? 0 : column + 1;
    }
    if (kept.length > 0) yield kept;
  }
  if (left === 0) return;
  const mean = toFloat32(
    fromFloat32(
      Float32Array.from(sums, (sum) => sum / height),
      dtype,
    ),
    dtype,
  );
  const more = new Float32Array(left);
  for (let start = 0; start < left; start += width) more.set(mean, start);
  yield more;
}
