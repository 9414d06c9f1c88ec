import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LoranError } from '@loran/plugin';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bufferSource } from '../__fixtures__/bytes.js';
import { openLlama2c } from './open-llama2c.js';

/** dim 4, hidden 3, 2 layers, 2 heads, 1 key-value head, 5 tokens, 2 positions; every value is its place in the file. */
function tiny(change: (sizes: Int32Array) => void = () => undefined, values = 175): Uint8Array {
  const bytes = new Uint8Array(28 + 4 * values);
  const sizes = new Int32Array(bytes.buffer, 0, 7);
  sizes.set([4, 3, 2, 2, 1, 5, 2]);
  change(sizes);
  new Float32Array(bytes.buffer, 28).set(Float32Array.from({ length: values }, (_, i) => i));
  return bytes;
}
const source = (bytes: Uint8Array) => bufferSource(bytes, bytes.length, 'model.bin');

// 5·4 + 2·(4 + 16 + 8 + 8 + 16 + 4 + 12 + 12 + 12) + 4 + 2·2·1
const tiedValues = 20 + 2 * 92 + 4 + 4;

test('tensors stand in the order of llama2.c, each layer under its own name', async () => {
  const file = await openLlama2c(source(tiny(undefined, tiedValues)));
  expect(file.header).toEqual({
    width: 4,
    hiddenWidth: 3,
    layers: 2,
    heads: 2,
    keyValueHeads: 1,
    vocabularySize: 5,
    sequenceLength: 2,
    tied: true,
  });
  const first = async (name: string) => (await file.values(name)[Symbol.asyncIterator]().next()).value?.[0] as number;
  const layer1 = ['rms_att', 'wq', 'wk', 'wv', 'wo', 'rms_ffn', 'w1', 'w2', 'w3'].map((name) => `layers.1.${name}`);
  const places = [];
  for (const name of ['token_embedding', ...layer1, 'rms_final', 'freq_cis_real', 'freq_cis_imag'])
    places.push(await first(name));
  expect(places).toEqual([0, 24, 44, 68, 84, 108, 128, 144, 168, 192, 204, 208, 210]);
  expect(file.tensors.get('layers.0.wk')?.shape).toEqual([2, 4]);
  expect(file.tensors.get('layers.0.w2')?.shape).toEqual([4, 3]);
  expect(file.tensors.size).toBe(1 + 2 * 9 + 3);
});

test('a negative vocabulary size means a head of its own, at the end', async () => {
  const file = await openLlama2c(source(tiny((sizes) => (sizes[5] = -5), tiedValues + 20)));
  expect(file.header).toMatchObject({ vocabularySize: 5, tied: false });
  expect(file.tensors.get('wcls')).toEqual({ dtype: 'F32', shape: [5, 4], byteLength: 80, begin: 28 + 4 * tiedValues });
});

test.each([
  ['too few bytes for a header', new Uint8Array(27), 'LLAMA2C_SIZE', /has 27 bytes/],
  [
    'a cut file',
    tiny(undefined, tiedValues - 1),
    'LLAMA2C_SIZE',
    /has 872 bytes, but its sizes .*n_layers 2.* make 876/,
  ],
  ['a longer file', tiny(undefined, tiedValues + 1), 'LLAMA2C_SIZE', /make 876/],
  ['a billion layers', tiny((s) => (s[2] = 2 ** 30), tiedValues), 'LLAMA2C_SIZE', /n_layers 1073741824/],
  [
    'sizes whose product overflows',
    tiny(
      (s) =>
        s
          .fill(2 ** 31 - 1)
          .fill(1, 3, 5)
          .fill(1 << 30, 0, 1),
      9,
    ),
    'LLAMA2C_SIZE',
    /make \d/,
  ],
  ['no heads', tiny((s) => (s[3] = 0), tiedValues), 'LLAMA2C_HEADER', /n_heads is 0/],
  ['heads that do not divide', tiny((s) => (s[3] = 3), tiedValues), 'LLAMA2C_HEADER', /dim 4 .* 3 heads/],
  [
    'key-value heads that do not divide',
    tiny((s) => (s[4] = 3), tiedValues),
    'LLAMA2C_HEADER',
    /multiple of n_kv_heads 3/,
  ],
  ['a later version', tiny((s) => (s[0] = 0x616b3432), tiedValues), 'LLAMA2C_HEADER', /--version 0/],
  ['a GGUF file', new TextEncoder().encode(`GGUF${'\0'.repeat(40)}`), 'LLAMA2C_HEADER', /looks like a GGUF file/],
] as const)('%s is refused', async (_, bytes, code, says) => {
  const from = source(bytes);
  const error = await openLlama2c(from).catch((e: unknown) => e);
  expect(LoranError.is(error) && error.code).toBe(code);
  expect((error as Error).message).toMatch(says);
  expect(from.asked).toBeLessThanOrEqual(28);
  expect(from.closed).toBe(true);
});

/** Only a LoranError may come out, and no more bytes be asked for than are there. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const from = source(bytes);
  try {
    const file = await openLlama2c(from);
    for (const name of file.tensors.keys()) await file.read(name);
  } catch (error) {
    if (!LoranError.is(error)) throw error;
  }
  expect(from.asked).toBeLessThanOrEqual(bytes.length);
}

test('every bit of the header flipped, and the file cut at every byte, is read or refused by name', async () => {
  const good = tiny(undefined, tiedValues);
  await readAll(good);
  for (let at = 0; at < good.length; at++) await readAll(good.slice(0, at));
  for (let bit = 0; bit < 28 * 8; bit++) {
    const bytes = good.slice();
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    await readAll(bytes);
  }
});

test('any header is read or refused by name', async () => {
  const size = fc.oneof(fc.integer({ min: -3, max: 9 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  await fc.assert(
    fc.asyncProperty(fc.array(size, { minLength: 7, maxLength: 7 }), fc.nat(300), async (sizes, values) => {
      await readAll(tiny((header) => header.set(sizes), values));
    }),
    { numRuns: 1000 },
  );
});

const stories = join(process.env.LORAN_TEST_DATA ?? '', 'models/stories260K/stories260K.bin');

test('stories260K opens with its 260,032 weights', async (ctx) => {
  if (!existsSync(stories)) ctx.skip('stories260K.bin is not under LORAN_TEST_DATA');
  const file = await openLlama2c(stories);
  expect(file.header).toMatchObject({ width: 64, hiddenWidth: 172, layers: 5, heads: 8, keyValueHeads: 4, tied: true });
  let weights = 0;
  for (const [name, { byteLength }] of file.tensors) if (!name.startsWith('freq_cis')) weights += byteLength / 4;
  expect(weights).toBe(260_032);
  // the first rotary angle of position 1 is 1 radian, so the tables show that every tensor before them is in its place
  const { data } = await file.read('freq_cis_real');
  await file.close();
  expect(new Float32Array(data.buffer)[4]).toBeCloseTo(Math.cos(1), 6);
});
