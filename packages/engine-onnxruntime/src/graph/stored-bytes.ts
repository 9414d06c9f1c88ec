import type { OnnxType } from '../kernels/kernel.js';
import type { Entry } from './node.js';

const elementBytes: Readonly<Record<OnnxType, number>> = {
  float32: 4,
  int32: 4,
  uint32: 4,
  int64: 8,
  bool: 1,
  uint8: 1,
  int8: 1,
  bfloat16: 2,
  uint16: 2,
};

/** Bytes that an entry's values take as stored; strings count nothing. */
export function bytesOf({ shape, type }: Entry): number {
  return type === null ? 0 : shape.reduce((size, length) => size * length, elementBytes[type]);
}
