/**
 * Kernels that cut a tensor into blocks and lay them out on other axes, and diagonals.
 */
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { compare, where } from '../onnx/elementwise.js';
import { pad, positions, reshape, slice, transpose } from '../onnx/movement.js';
import { compute, defineKernel, sizeOf } from './define-kernel.js';
import type { KernelDefinition } from './kernel.js';

export const blockKernels: readonly KernelDefinition[] = [
  defineKernel<{ x: TensorInfo }, { blockShape: number[]; paddings: number[][] }>(
    'SpaceToBatchND',
    ({ x }, { blockShape, paddings }, backend) => {
      const block = sizeOf(blockShape);
      const all = x.shape.map((_, axis) => paddings[axis - 1] ?? [0, 0]);
      const padded = x.shape.map((length, axis) => length + (all[axis]?.[0] ?? 0) + (all[axis]?.[1] ?? 0));
      const output = { shape: backend_util.getReshapedPermuted(padded, blockShape, block, false), dtype: x.dtype };
      const key = { blockShape, paddings: paddings.flat() };
      return compute(backend, 'SpaceToBatchND', [x], key, output, (graph, [value]) => {
        const blocks = backend_util.getReshaped(padded, blockShape, block, false);
        const order = backend_util.getPermuted(blocks.length, blockShape.length, false);
        return reshape(graph, transpose(graph, reshape(graph, pad(graph, value, all), blocks), order), output.shape);
      });
    },
  ),
  defineKernel<{ x: TensorInfo }, { blockShape: number[]; crops: number[][] }>(
    'BatchToSpaceND',
    ({ x }, { blockShape, crops }, backend) => {
      const block = sizeOf(blockShape);
      const uncropped = backend_util.getReshapedPermuted(x.shape, blockShape, block);
      const begin = backend_util.getSliceBeginCoords(crops, blockShape.length);
      const cropped = backend_util.getSliceSize(uncropped, crops, blockShape.length);
      const size = uncropped.map((length, axis) => cropped[axis] ?? length);
      const key = { blockShape, crops: crops.flat() };
      return compute(backend, 'BatchToSpaceND', [x], key, { shape: size, dtype: x.dtype }, (graph, [value]) => {
        const blocks = reshape(graph, value, backend_util.getReshaped(x.shape, blockShape, block));
        const order = backend_util.getPermuted(blocks.shape.length, blockShape.length);
        return slice(graph, reshape(graph, transpose(graph, blocks, order), uncropped), begin, size);
      });
    },
  ),
  defineKernel<{ x: TensorInfo }, { blockSize: number; dataFormat: string }>(
    'DepthToSpace',
    ({ x }, { blockSize, dataFormat }, backend) => {
      util.assert(dataFormat === 'NHWC', () => `depthToSpace takes the data format NHWC only, not ${dataFormat}.`);
      const [batch = 1, height = 1, width = 1, depth = 1] = x.shape;
      const channels = depth / (blockSize * blockSize);
      const output = { shape: [batch, height * blockSize, width * blockSize, channels], dtype: x.dtype };
      return compute(backend, 'DepthToSpace', [x], { blockSize }, output, (graph, [value]) => {
        const blocks = reshape(graph, value, [batch, height, width, blockSize, blockSize, channels]);
        return reshape(graph, transpose(graph, blocks, [0, 1, 3, 2, 4, 5]), output.shape);
      });
    },
  ),
  defineKernel<{ x: TensorInfo }>('Diag', ({ x }, _, backend) => {
    const length = sizeOf(x.shape);
    const output = { shape: [...x.shape, ...x.shape], dtype: x.dtype };
    return compute(backend, 'Diag', [x], {}, output, (graph, [value]) => {
      const index = positions(graph, 'int32', length);
      const diagonal = compare(graph, 'Equal', reshape(graph, index, [length, 1]), index);
      const row = reshape(graph, value, [1, length]);
      return reshape(graph, where(graph, diagonal, row, graph.scalar(value.type, 0)), output.shape);
    });
  }),
];
