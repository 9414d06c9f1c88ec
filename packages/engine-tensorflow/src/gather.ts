/**
 * tfjs-node's gather reads all indices back and checks them one by one in JavaScript: more than the whole product of a small layer, when
 * the indices are the codes of its weight. Codes that cannot leave the table need no check; any other gather stays as it is.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type NodeBackend, tensorflowType } from './node-backend.js';
import type { StoredCodes } from './stored-codes.js';

/** Replaces the gather of the backend 'tensorflow' by one that looks up uint8 codes in tables of 256 entries and more unchecked. */
export function registerCodeLookup(backend: NodeBackend, codes: StoredCodes): void {
  const checked = tf.getKernel('GatherV2', 'tensorflow');
  tf.unregisterKernel('GatherV2', 'tensorflow');
  tf.registerKernel({
    ...checked,
    kernelFunc: (call) => {
      const { x, indices } = call.inputs as { x: TensorInfo; indices: TensorInfo };
      const { axis, batchDims } = call.attrs as { axis: number; batchDims: number };
      const inside = codes.typeOf(indices) === 'uint8' && x.shape[axis]! >= 256;
      return inside && x.dtype === 'float32' && batchDims === 0
        ? lookUp(backend, x, indices, axis)
        : checked.kernelFunc(call);
    },
  });
}

function lookUp(backend: NodeBackend, x: TensorInfo, indices: TensorInfo, axis: number): TensorInfo {
  const { TF_ATTR_INT, TF_ATTR_TYPE } = backend.binding;
  const axisTensor = tf.scalar(axis, 'int32');
  const result = backend.executeSingleOutput(
    'GatherV2',
    [
      { name: 'batch_dims', type: TF_ATTR_INT, value: 0 },
      { name: 'Tparams', type: TF_ATTR_TYPE, value: tensorflowType.float32 },
      { name: 'Tindices', type: TF_ATTR_TYPE, value: tensorflowType.int32 },
      { name: 'Taxis', type: TF_ATTR_TYPE, value: tensorflowType.int32 },
    ],
    [x, indices, axisTensor],
  );
  axisTensor.dispose();
  return result;
}
