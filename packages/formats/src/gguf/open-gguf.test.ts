import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { toFloat32 } from '../float-values.js';
import { openSafetensors } from '../safetensors/open-safetensors.js';
import { openGguf } from './open-gguf.js';

const fixture = (name: string) => fileURLToPath(new URL(`../__fixtures__/${name}`, import.meta.url));
const joined = async (runs: AsyncIterable<Float32Array>) => {
  const values: number[] = [];
  for await (const run of runs) values.push(...run);
  return values;
};

test('every type of tensor holds the values that the gguf package gives, bit for bit', async () => {
  const file = await openGguf(fixture('every-type.gguf'));
  const golden = await openSafetensors(fixture('every-type.safetensors'));
  expect(golden.tensors.size).toBe(13);
  for (const [name, { shape }] of golden.tensors) {
    const expected = toFloat32((await golden.read(name)).data, 'F32');
    expect({ name, shape: file.tensors.get(name)?.shape }).toEqual({ name, shape });
    expect(name.startsWith(file.tensors.get(name)?.dtype ?? '-')).toBe(true);
    expect(await joined(file.values(name))).toEqual([...expected]); // -0 and 0 differ here, NaN equals NaN
  }
  await golden.close();
  await file.close();
});

test('raw bytes, integers and their shapes', async () => {
  const file = await openGguf(fixture('every-type.gguf'));
  expect(file.version).toBe(3);
  const { dtype, shape, data } = await file.read('I16.ids');
  expect({ dtype, shape, data: [...new Int16Array(data.buffer)] }).toEqual({
    dtype: 'I16',
    shape: [3, 2],
    data: [1, -2, 3, 4, 5, 6],
  });
  const blocks = await file.read('Q6_K.weight');
  expect({ dtype: blocks.dtype, shape: blocks.shape, bytes: blocks.data.length }).toEqual({
    dtype: 'Q6_K',
    shape: [3, 512],
    bytes: 6 * 210,
  });
  await expect(file.values('I64.ids')[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'TENSOR_NOT_FLOAT',
  });
  await expect(file.read('Q6_K.weigth')).rejects.toThrow(/Did you mean "Q6_K.weight"/);
  await file.close();
  await expect(file.read('I16.ids')).rejects.toMatchObject({ code: 'FILE_CLOSED' });
});

test('metadata keep their types; only what a number cannot hold is a bigint', async () => {
  const file = await openGguf(fixture('every-type.gguf'));
  await file.close();
  const { fields, metadata } = file;
  expect(fields.get('one.uint8')).toEqual({ type: 'uint8', value: 255 });
  expect(fields.get('one.int8')).toEqual({ type: 'int8', value: -128 });
  expect(fields.get('one.uint16')).toEqual({ type: 'uint16', value: 65535 });
  expect(fields.get('one.int16')).toEqual({ type: 'int16', value: -32768 });
  expect(fields.get('one.uint32')).toEqual({ type: 'uint32', value: 2 ** 32 - 1 });
  expect(fields.get('one.int32')).toEqual({ type: 'int32', value: -(2 ** 31) });
  expect(fields.get('one.float32')).toEqual({ type: 'float32', value: Math.fround(0.1) });
  expect(fields.get('one.float64')).toEqual({ type: 'float64', value: 0.1 });
  expect(fields.get('one.uint64')).toEqual({ type: 'uint64', value: 2n ** 64n - 1n });
  expect(fields.get('one.int64')).toEqual({ type: 'int64', value: -(2n ** 63n) });
  expect(fields.get('one.small-uint64')).toEqual({ type: 'uint64', value: 7 });
  expect(fields.get('one.small-int64')).toEqual({ type: 'int64', value: -7 });
  expect(fields.get('one.bool')).toEqual({ type: 'bool', value: true });
  expect(fields.get('many.uint16')).toEqual({ type: 'uint16[]', value: new Uint16Array([65535, 1, 0]) });
  expect(fields.get('many.float32')).toEqual({ type: 'float32[]', value: new Float32Array([0.1, 1, 0]) });
  expect(fields.get('many.int64')).toEqual({ type: 'int64[]', value: new BigInt64Array([-(2n ** 63n), 1n, 0n]) });
  expect(fields.get('many.bool')).toEqual({ type: 'bool[]', value: [true, false] });
  expect(fields.get('many.string')).toEqual({ type: 'string[]', value: ['', 'a', 'é', '▁the', '😀'] });
  expect(Object.fromEntries(metadata)).toEqual({
    'general.architecture': 'llama',
    'general.name': 'Every type',
    'one.string': 'é 😀 \0 end',
  });
});

const smol = join(
  process.env.LORAN_TEST_DATA ?? '',
  'models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf',
);

test('a model of 135 million weights is read whole in moments, a few megabytes at a time', async (ctx) => {
  if (!existsSync(smol)) ctx.skip('SmolLM2-135M-Instruct.Q4_1.gguf is not under LORAN_TEST_DATA');
  const file = await openGguf(smol);
  expect(file.fields.get('llama.block_count')).toEqual({ type: 'uint32', value: 30 });
  expect(file.fields.get('tokenizer.ggml.tokens')?.value).toHaveLength(49152);
  expect(file.tensors.get('token_embd.weight')).toMatchObject({ dtype: 'Q8_0', shape: [49152, 576] });
  expect(file.tensors.get('blk.0.ffn_down.weight')).toMatchObject({ dtype: 'Q4_1', shape: [576, 1536] });
  let values = 0;
  let largest = 0;
  let squares = 0;
  for (const name of file.tensors.keys()) {
    for await (const run of file.values(name)) {
      values += run.length;
      largest = Math.max(largest, run.length);
      for (let i = 0; i < run.length; i += 1009) squares += run[i]! ** 2;
    }
  }
  await file.close();
  expect({ values, largest }).toEqual({ values: 134_515_008, largest: 1 << 20 });
  expect(Math.sqrt(squares / (values / 1009))).toBeGreaterThan(0.01); // numbers of the size of weights
});
