import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { TensorBytes } from '@loran/formats';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeBaseStorage } from '@loran/testing';
import { goldenCases, quantState, sourceOf } from './__fixtures__/golden.js';
import { createNf4, nf4 } from './nf4.js';

const golden = await goldenCases('nf4');
const quantStateKey = 'weight.quant_state.bitsandbytes__nf4';

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

// Half of the widest gap between two codes, 0.304, of a block's maximum; double quantisation moves that by a hundredth.
describeBaseStorage(nf4, {
  tolerance: { absolute: 0.3 },
  skip: [
    {
      law: 'stores its own values again without loss',
      reason: 'the maxima are quantised anew, around another mean; under single quantisation the law holds',
    },
  ],
});
describeBaseStorage(createNf4({ doubleQuantisation: false }), {
  tolerance: { absolute: 0.3 },
  bytes: (rows, columns) => {
    const blocks = Math.ceil((rows * columns) / 64);
    return blocks * (4 * 32 + 4); // int32 for each of the 32 bytes of codes, as the cpu backend has no smaller type
  },
});

describe('a damaged checkpoint is refused', () => {
  const { parts } = golden.find(({ name }) => name === 'two nested blocks')!; // [160, 130], 325 blocks
  const restored = (name: string, part: Partial<TensorBytes> | undefined): (() => unknown) => {
    const changed = new Map(parts);
    if (part === undefined) changed.delete(name);
    else changed.set(name, { ...parts.get(name)!, ...part });
    return () => nf4.restore('linear', changed);
  };
  const state = (change: Record<string, unknown>): Partial<TensorBytes> => ({
    data: new TextEncoder().encode(JSON.stringify({ ...quantState('nf4', parts), ...change })),
  });

  test.each([
    [quantStateKey, undefined, 'PART_MISSING', quantStateKey],
    ['weight', undefined, 'PART_MISSING', "'weight'"],
    ['weight.nested_absmax', undefined, 'PART_MISSING', "'weight.nested_absmax'"],
    ['weight', { data: new Uint8Array(10_399) }, 'PART_INVALID', '10399 bytes; expected 10400 bytes'],
    ['weight.absmax', { data: new Uint8Array(324) }, 'PART_INVALID', 'U8 of 325 values'],
    ['weight.absmax', { dtype: 'F32', data: new Uint8Array(1300) }, 'PART_INVALID', 'F32 [325]; expected U8'],
    ['weight.nested_absmax', { data: floatBytes(1, NaN) }, 'PART_INVALID', 'NaN at index 1'],
    ['weight.quant_map', { data: new Uint8Array(64) }, 'PART_INVALID', 'the codebook of nf4, -1 there'],
    [quantStateKey, { data: Uint8Array.of(0x7b, 0xff) }, 'PART_INVALID', 'not JSON'],
    [quantStateKey, { data: new TextEncoder().encode('null') }, 'PART_INVALID', 'not a JSON object'],
    [quantStateKey, state({ quant_type: 'fp4' }), 'PART_INVALID', "'quant_type'"],
    [quantStateKey, state({ shape: [20800] }), 'PART_INVALID', "'shape'"],
    [quantStateKey, state({ shape: [2 ** 40, 2 ** 40] }), 'PART_INVALID', 'expected 6.04462909807314'],
    [quantStateKey, state({ shape: [160, -130] }), 'PART_INVALID', "'shape'"],
    [quantStateKey, state({ blocksize: 48 }), 'PART_INVALID', "'blocksize'"],
    [quantStateKey, state({ nested_blocksize: 0 }), 'PART_INVALID', "'nested_blocksize'"],
    [quantStateKey, state({ nested_offset: null }), 'PART_INVALID', "'nested_offset'"],
    [quantStateKey, state({ nested_dtype: 'float16' }), 'PART_INVALID', "'nested_dtype'"],
  ] as const)('%s: %o', (name, part, code, message) => {
    expect(restored(name, part)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  test('nothing is left on the engine', () => {
    const before = tf.memory().numTensors;
    expect(restored('weight.nested_quant_map', { data: new Uint8Array(4) })).toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('a block size that bitsandbytes does not know is refused', () => {
  expect(() => createNf4({ blockSize: 100 })).toThrow(expect.objectContaining({ code: 'INVALID_BLOCK_SIZE' }));
});

test('a bias of another length than the rows is refused', async () => {
  const source = sourceOf({ shape: [2, 32], values: new Float32Array(64) }, 64, new Float32Array(3));
  await expect(nf4.store(source)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
});

function floatBytes(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
