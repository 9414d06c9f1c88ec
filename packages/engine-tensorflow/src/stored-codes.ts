/**
 * Codes in their stored width, for a backend whose kernels know float32, int32 and bool.
 *
 * TensorFlow itself has uint8, int8 and bfloat16. So a tensor of codes is held by the addon in its own type, on the device, while tfjs
 * sees int32 (bfloat16: float32); and since every kernel reaches TensorFlow through the addon's `executeOp`, that is where codes are
 * widened for one op and dropped after it. An op that gathers from codes gathers first and widens what it picked.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import type { OpaqueType } from '@loran/tensor';
import {
  type Addon,
  type Held,
  type NodeBackend,
  type OpAttribute,
  type TensorData,
  tensorflowType,
} from './node-backend.js';

interface Stored {
  readonly type: OpaqueType;
  readonly size: number;
  /** What the backend knows of it: how many tensors share the data. */
  readonly data: TensorData;
}

export interface StoredCodes {
  /** `bytes` is taken over. Throws SHAPE_MISMATCH. */
  create(bytes: Uint8Array, type: OpaqueType, shape: readonly number[]): Tensor;
  /** The stored type of a tensor of codes; undefined of any other tensor. */
  typeOf(tensor: TensorInfo): OpaqueType | undefined;
  /** Bytes that tfjs counts for codes, four a value for every tensor that shares them, and that they do not take. */
  readonly uncounted: number;
}

const widthOf = { uint8: 1, int8: 1, bfloat16: 2 } as const;
const widenedTo = { uint8: 'int32', int8: 'int32', bfloat16: 'float32' } as const;

/** Teaches the backend to hold codes. */
export function storedCodes(backend: NodeBackend): StoredCodes {
  const addon = backend.binding;
  const stored = new Map<number, Stored>();

  const widen = (id: number, type: OpaqueType): Held =>
    only(
      addon.executeOp(
        'Cast',
        [
          { name: 'SrcT', type: addon.TF_ATTR_TYPE, value: tensorflowType[type] },
          { name: 'DstT', type: addon.TF_ATTR_TYPE, value: tensorflowType[widenedTo[type]] },
          { name: 'Truncate', type: addon.TF_ATTR_BOOL, value: false },
        ],
        [id],
        1,
      ),
    );

  /** Calls `use` with ids of what tfjs believes in: codes are replaced by widened copies that live as long as the call. */
  const withWidened = <R>(ids: readonly number[], use: (ids: readonly number[]) => R): R => {
    const made: number[] = [];
    try {
      const usable = ids.map((id) => {
        const codes = stored.get(id);
        if (codes === undefined) return id;
        const widened = widen(id, codes.type).id;
        made.push(widened);
        return widened;
      });
      return use(usable);
    } finally {
      made.forEach((id) => addon.deleteTensor(id));
    }
  };

  const gatherCodes = (
    attributes: readonly OpAttribute[],
    [id, ...rest]: readonly number[],
    type: OpaqueType,
  ): Held[] => {
    const native = attributes.map((attribute) =>
      attribute.name === 'Tparams' ? { ...attribute, value: tensorflowType[type] } : attribute,
    );
    const picked = only(withWidened(rest, (rest) => addon.executeOp('GatherV2', native, [id!, ...rest], 1)));
    try {
      return [widen(picked.id, type)];
    } finally {
      addon.deleteTensor(picked.id);
    }
  };

  const executeOp: Addon['executeOp'] = (name, attributes, ids, outputs) => {
    const first = stored.get(ids[0] ?? -1);
    if (name === 'GatherV2' && first !== undefined) return gatherCodes(attributes, ids, first.type);
    return withWidened(ids, (ids) => addon.executeOp(name, attributes, ids, outputs));
  };
  const tensorDataSync: Addon['tensorDataSync'] = (id) => withWidened([id], ([id]) => addon.tensorDataSync(id!));
  const deleteTensor: Addon['deleteTensor'] = (id) => {
    stored.delete(id);
    addon.deleteTensor(id);
  };
  // The addon's own properties cannot be changed, so the backend gets an object that stands before it.
  backend.binding = Object.create(addon, {
    executeOp: { value: executeOp },
    tensorDataSync: { value: tensorDataSync },
    deleteTensor: { value: deleteTensor },
  }) as Addon;

  return {
    create(bytes, type, shape) {
      const size = tf.util.sizeFromShape([...shape]);
      if (bytes.byteLength !== size * widthOf[type]) {
        throw new LoranError(
          'SHAPE_MISMATCH',
          `${type} codes of shape [${shape.join(', ')}] take ${size * widthOf[type]} bytes; ${bytes.byteLength} were given.`,
        );
      }
      const id = reinterpreted(addon, bytes, type, shape);
      const data = { shape, dtype: tensorflowType[type], id, values: null, refCount: 1 };
      stored.set(id, { type, size, data });
      const dataId = {};
      backend.tensorMap.set(dataId, data);
      return tf.engine().makeTensorFromTensorInfo({ dataId, shape: [...shape], dtype: widenedTo[type] });
    },
    typeOf: ({ dataId }) => stored.get(backend.tensorMap.get(dataId)?.id ?? -1)?.type,
    get uncounted() {
      return [...stored.values()].reduce(
        (sum, { type, size, data }) => sum + size * (4 * data.refCount - widthOf[type]),
        0,
      );
    },
  };
}

/** Bytes as a tensor of that type. The addon takes uint8 alone; TensorFlow then reads the same bytes as another type. */
function reinterpreted(addon: Addon, bytes: Uint8Array, type: OpaqueType, shape: readonly number[]): number {
  const raw = addon.createTensor(type === 'bfloat16' ? [...shape, 2] : shape, tensorflowType.uint8, bytes);
  if (type === 'uint8') return raw;
  try {
    const attributes = [
      { name: 'T', type: addon.TF_ATTR_TYPE, value: tensorflowType.uint8 },
      { name: 'type', type: addon.TF_ATTR_TYPE, value: tensorflowType[type] },
    ];
    return only(addon.executeOp('Bitcast', attributes, [raw], 1)).id;
  } finally {
    addon.deleteTensor(raw);
  }
}

function only(outputs: readonly Held[]): Held {
  return outputs[0]!; // executeOp gives as many outputs as it was asked for
}
