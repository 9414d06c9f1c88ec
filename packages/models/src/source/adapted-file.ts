/**
 * A file of tensors seen under other names and in another arrangement of its values, each changed while it is read: so that a
 * model in another format loads as one of Hugging Face's, and no tensor has a second copy.
 */
import { nearest } from '@loran/plugin';
import { fromFloat32, TensorFileError, type TensorFile, type TensorInfo } from '@loran/formats';
import { joined, transposedRuns } from '../checkpoint/value-runs.js';
import { reorderedBytes, reorderedValues, type RowOrder } from './row-order.js';

/** Where a tensor stands in the file, and what is undone when it is read. */
export interface Adaptation {
  /** Its name in the file. */
  readonly stored: string;
  readonly rows?: RowOrder | undefined;
  /** Added to every value. */
  readonly offset?: number | undefined;
  /** Stored as [columns, rows] of what is wanted. */
  readonly transposed?: boolean | undefined;
}

/** `tensors`: name wanted -> where it is. Tensors of `file` that it does not name are hidden. */
export function adaptedFile(file: TensorFile, tensors: ReadonlyMap<string, Adaptation>): TensorFile {
  const infos = new Map<string, TensorInfo>();
  for (const [name, adaptation] of tensors) {
    const info = file.tensors.get(adaptation.stored);
    if (info !== undefined) infos.set(name, adaptedInfo(info, adaptation));
  }
  const find = (name: string): Adaptation & { info: TensorInfo } => {
    const adaptation = tensors.get(name);
    const info = adaptation && file.tensors.get(adaptation.stored);
    if (adaptation !== undefined && info !== undefined) return { ...adaptation, info };
    const near = nearest(name, [...infos.keys()]);
    throw new TensorFileError(
      'TENSOR_NOT_FOUND',
      file.name,
      `holds no tensor ${JSON.stringify(name)}.${near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ''}`,
    );
  };
  const values = async function* (name: string): AsyncGenerator<Float32Array> {
    const { stored, info, rows, offset = 0, transposed = false } = find(name);
    const [height = 1, width = 1] = info.shape;
    const read = file.values(stored);
    const ordered = rows === undefined ? read : reorderedValues(read, height, width, rows);
    if (transposed) yield* transposedRuns(ordered, height);
    else if (offset === 0) yield* ordered;
    else for await (const run of ordered) yield run.map((value) => value + offset);
  };
  return {
    name: file.name,
    tensors: infos,
    metadata: file.metadata,
    values,
    async read(name) {
      const { stored, info, rows, offset = 0, transposed = false } = find(name);
      const adapted = adaptedInfo(info, { stored, offset, transposed });
      if (offset !== 0 || transposed) {
        return {
          ...adapted,
          dtype: 'F32',
          data: fromFloat32(await joined(values(name)), 'F32'),
        };
      }
      const bytes = await file.read(stored);
      return rows === undefined ? bytes : { ...bytes, data: reorderedBytes(bytes.data, info.shape[0] ?? 1, rows) };
    },
    close: () => file.close(),
    ...(file.reopen === undefined ? {} : { reopen: async () => adaptedFile((await file.reopen?.()) ?? file, tensors) }),
  };
}

/** Values that are computed come as F32; rows are moved as they are stored. */
function adaptedInfo(info: TensorInfo, { offset = 0, transposed = false }: Adaptation): TensorInfo {
  if (offset === 0 && !transposed) return info;
  const shape = transposed ? [...info.shape].reverse() : info.shape;
  return { dtype: 'F32', shape, byteLength: 4 * shape.reduce((product, size) => product * size, 1) };
}
