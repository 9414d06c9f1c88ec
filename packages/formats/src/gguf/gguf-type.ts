/** The element types of a GGUF file: ggml's codes for them, and those that are known but not read. */
import type { BlockType, Dtype } from '../tensor-bytes.js';

/** What a tensor of a GGUF file can be here. */
export type GgufType = BlockType | Extract<Dtype, 'F32' | 'F16' | 'BF16' | 'F64' | 'I8' | 'I16' | 'I32' | 'I64'>;

export const ggufTypeCodes: Readonly<Record<GgufType, number>> = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q4_1: 3,
  Q5_0: 6,
  Q5_1: 7,
  Q8_0: 8,
  Q2_K: 10,
  Q3_K: 11,
  Q4_K: 12,
  Q5_K: 13,
  Q6_K: 14,
  I8: 24,
  I16: 25,
  I32: 26,
  I64: 27,
  F64: 28,
  BF16: 30,
};

const typesByCode = new Map(Object.entries(ggufTypeCodes).map(([type, code]) => [code, type as GgufType]));

export function ggufTypeOf(code: number): GgufType | undefined {
  return typesByCode.get(code);
}

/** Names of ggml's types that are not read here, for the error. */
export const unreadTypes: ReadonlyMap<number, string> = new Map([
  [4, 'Q4_2'],
  [5, 'Q4_3'],
  [9, 'Q8_1'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [20, 'IQ4_NL'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
  [29, 'IQ1_M'],
  [34, 'TQ1_0'],
  [35, 'TQ2_0'],
  [39, 'MXFP4'],
  [40, 'NVFP4'],
  [41, 'Q1_0'],
]);
