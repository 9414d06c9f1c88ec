import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { LoranError } from '@loran/plugin';
import { expect, test } from 'vitest';
import { readLlama2cTokenizer } from './read-llama2c-tokenizer.js';

function vocabulary(tokens: readonly (readonly [string, number])[], longest = 7): Uint8Array {
  const parts = [Buffer.alloc(4)];
  parts[0]!.writeInt32LE(longest);
  for (const [token, score] of tokens) {
    const head = Buffer.alloc(8);
    head.writeFloatLE(score, 0);
    head.writeInt32LE(Buffer.byteLength(token), 4);
    parts.push(head, Buffer.from(token));
  }
  return Buffer.concat(parts);
}
const good = vocabulary([
  ['<unk>', 0],
  ['\n<s>\n', 0],
  [' the', -1.5],
  ['é', -2],
]);

test('tokens and scores by id', () => {
  expect(readLlama2cTokenizer(good)).toEqual({
    tokens: ['<unk>', '\n<s>\n', ' the', 'é'],
    scores: new Float32Array([0, 0, -1.5, -2]),
  });
  expect(readLlama2cTokenizer(vocabulary([])).tokens).toEqual([]);
});

test.each([
  ['no bytes', good.subarray(0, 3), /has 3 bytes/],
  ['a cut token', good.subarray(0, good.length - 1), /token 3 at byte \d+ claims 2 bytes, more than are left/],
  ['a cut score', good.subarray(0, good.length - 7), /token 3 at byte \d+ is cut off/],
  ['a token longer than the longest', vocabulary([['a', 0]], 0), /claims 1 bytes, and the longest token 0/],
  ['a score that is no number', vocabulary([['a', NaN]]), /score/],
  [
    'bytes that are no UTF-8',
    Buffer.concat([good, vocabulary([['a', 0]]).subarray(4, 12), Buffer.from([255])]),
    /token 4 .*UTF-8/,
  ],
])('%s is refused', (_, bytes, says) => {
  expect(() => readLlama2cTokenizer(bytes, 'tok.bin')).toThrow(says);
  expect(() => readLlama2cTokenizer(bytes, 'tok.bin')).toThrow(/^tok\.bin: /);
});

test('whatever is done to its bytes, it is read or refused by name', () => {
  fc.assert(
    fc.property(fc.nat(good.length), fc.nat(good.length - 1), fc.nat(255), (length, at, byte) => {
      const bytes = Uint8Array.from(good);
      bytes[at] = byte;
      try {
        readLlama2cTokenizer(bytes.subarray(0, length));
      } catch (error) {
        if (!LoranError.is(error)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});

const tok512 = join(process.env.LORAN_TEST_DATA ?? '', 'models/stories260K/tok512.bin');

test('the vocabulary of stories260K', (ctx) => {
  if (!existsSync(tok512)) ctx.skip('tok512.bin is not under LORAN_TEST_DATA');
  const { tokens, scores } = readLlama2cTokenizer(readFileSync(tok512));
  expect(tokens.length).toBe(512);
  expect(scores.length).toBe(512);
  expect(tokens.slice(0, 4)).toEqual(['<unk>', '\n<s>\n', '\n</s>\n', '<0x00>']);
  expect(tokens).toContain(' the');
});
