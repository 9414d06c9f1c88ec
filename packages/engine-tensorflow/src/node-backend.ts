/** What this package uses of tfjs-node's backend and its addon: both packages have the same, and neither documents it. */
import type { Tensor, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';

/** TensorFlow's numbers of element types (TF_DataType). */
export const tensorflowType = { float32: 1, int32: 3, uint8: 4, int8: 6, bfloat16: 14 } as const;

export interface OpAttribute {
  readonly name: string;
  /** A TF_ATTR_… constant of the addon. */
  readonly type: number;
  readonly value: number | boolean | string | readonly number[];
}

/** A tensor that the addon holds. */
export interface Held {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
}

export interface Addon {
  readonly TF_Version: string;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_INT: number;
  createTensor(shape: readonly number[], dtype: number, values: TypedArray): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): TypedArray;
  executeOp(name: string, attributes: readonly OpAttribute[], ids: readonly number[], outputs: number): Held[];
}

/** The backend's record of one data id. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly id: number;
  /** Values that the addon has not got yet. */
  readonly values: TypedArray | null;
  readonly refCount: number;
}

export interface NodeBackend {
  binding: Addon;
  readonly isUsingGpuDevice: boolean;
  readonly isGPUPackage: boolean;
  readonly tensorMap: {
    get(dataId: object): TensorData | undefined;
    set(dataId: object, data: TensorData): void;
  };
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly TensorInfo[]): Tensor;
}
