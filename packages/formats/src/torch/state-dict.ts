/**
 * The tensors of a state dict: what torch's pickle says of them, checked against the storages that the archive holds.
 *
 *   storage   ('storage', torch.FloatStorage, key, device, count)                     the entry <root>/data/<key>
 *   tensor    torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, …)     counted in elements
 *   state     a dictionary: name -> tensor
 *
 * A parameter is the tensor that it wraps. Tensors may share a storage (tied weights), but not so many that they would be far more than the file.
 */
import { dtypeBytes, sizeOf, type Dtype } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import type { StoredTensor } from '../tensor-reader.js';
import { PickleGlobal, PickleList } from './pickle-stack.js';
import type { PickleWorld } from './read-pickle.js';
import type { ZipEntry } from './zip-entries.js';

const storageTypes: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
]);

const orderedDict = 'collections.OrderedDict';
const rebuildTensor = 'torch._utils._rebuild_tensor_v2';
const rebuildParameter = 'torch._utils._rebuild_parameter';
const functions: ReadonlySet<string> = new Set([orderedDict, rebuildTensor, rebuildParameter]);

/** How often the tensors may hold what the file holds once: tied weights do so a few times. */
const mostShared = 64;
const mostDimensions = 32;

class Storage {
  constructor(
    readonly key: string,
    readonly dtype: Dtype,
    readonly entry: ZipEntry,
  ) {}
}

class StoredTensorView {
  constructor(
    readonly storage: Storage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** `storages`: key -> the archive's entry. Its functions throw TORCH_TENSOR. */
export function stateDictWorld(storages: Pick<ReadonlyMap<string, ZipEntry>, 'get'>, file: string): PickleWorld {
  const refuse = (problem: string) => new TensorFileError('TORCH_TENSOR', file, problem);
  return {
    knows: (name) => functions.has(name) || storageTypes.has(name),
    call(name, parameters) {
      if (name === orderedDict && parameters.length === 0) return new Map();
      if (name === rebuildParameter && parameters[0] instanceof StoredTensorView) return parameters[0];
      if (name === rebuildTensor) {
        const [storage, offset, shape, strides] = parameters;
        if (
          storage instanceof Storage &&
          isCount(offset) &&
          isSizes(shape) &&
          isSizes(strides) &&
          shape.length === strides.length
        ) {
          return new StoredTensorView(storage, offset, shape, strides);
        }
      }
      throw refuse(`its pickle calls ${name} with other things than torch does. Save the state dict again.`);
    },
    persistent(id) {
      const [kind, type, key, , count] = Array.isArray(id) ? (id as unknown[]) : [];
      const dtype = storageTypes.get(type instanceof PickleGlobal ? type.name : '');
      if (kind !== 'storage' || dtype === undefined || typeof key !== 'string' || !isCount(count)) {
        throw refuse('its pickle refers to a storage in another way than torch does. Save the state dict again.');
      }
      const entry = storages.get(key);
      if (entry === undefined)
        throw refuse(`the data of the storage ${quoted(key)} are missing. Fetch the file again.`);
      if (entry.byteLength !== count * dtypeBytes[dtype]) {
        throw refuse(
          `the storage ${quoted(key)} should hold ${count} numbers of ${dtype}, but has ${entry.byteLength} bytes.`,
        );
      }
      return new Storage(key, dtype, entry);
    },
  };
}

/** The tensors of the value that the pickle built. `fileSize` in bytes. Throws TORCH_TENSOR. */
export function stateDictTensors(
  value: unknown,
  fileSize: number,
  file: string,
): ReadonlyMap<string, StoredTensor<Dtype>> {
  const refuse = (problem: string) => new TensorFileError('TORCH_TENSOR', file, problem);
  if (!(value instanceof Map))
    throw refuse(`it holds ${describe(value)}; expected a state dict, a dictionary of tensors.`);
  const tensors: [string, StoredTensor<Dtype>][] = [];
  let bytes = 0;
  for (const [name, tensor] of value) {
    const at = quoted(name);
    if (typeof name !== 'string')
      throw refuse(`the entry ${at} has a number for its name; expected a state dict, name -> tensor.`);
    if (!(tensor instanceof StoredTensorView)) {
      throw refuse(
        `the entry ${at} is ${describe(tensor)}; expected tensors alone. Save that part by itself: torch.save(model.state_dict(), file).`,
      );
    }
    tensors.push([name, placed(tensor, (problem) => refuse(`tensor ${at} ${problem}`))]);
    bytes += tensors.at(-1)![1].byteLength;
    if (bytes > mostShared * fileSize)
      throw refuse(`its tensors share storages so often that they would be ${mostShared} times the file.`);
  }
  return new Map(tensors.sort(([, a], [, b]) => a.begin - b.begin));
}

/** The place of a tensor whose elements stand side by side in its storage. */
function placed(
  { storage, offset, shape, strides }: StoredTensorView,
  refuse: (problem: string) => TensorFileError,
): StoredTensor<Dtype> {
  const { dtype, entry } = storage;
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i]! > 1 && strides[i] !== expected && !shape.includes(0)) {
      throw refuse(
        `is a view with strides [${strides.join(', ')}] of shape [${shape.join(', ')}]; save it by rows: tensor.contiguous().`,
      );
    }
    expected *= shape[i]!;
  }
  const byteLength = sizeOf(shape, dtype);
  const first = offset * dtypeBytes[dtype];
  if (byteLength !== 0 && !(first + byteLength <= entry.byteLength)) {
    throw refuse(
      `of shape [${shape.join(', ')}] from element ${offset} on goes beyond its storage of ${entry.byteLength / dtypeBytes[dtype]}.`,
    );
  }
  return { dtype, shape, byteLength, begin: byteLength > 0 ? entry.begin + first : entry.begin };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.length <= mostDimensions && value.every(isCount);

const quoted = (name: unknown): string =>
  typeof name === 'string' ? JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name) : String(name);

/** Short, however large the value is. */
function describe(value: unknown): string {
  if (value instanceof Map) return `a dictionary of ${value.size}`;
  if (value instanceof PickleList) return `a list of ${value.values.length}`;
  if (Array.isArray(value)) return `a tuple of ${value.length}`;
  if (value instanceof StoredTensorView) return 'a tensor';
  if (value === null) return 'None';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
