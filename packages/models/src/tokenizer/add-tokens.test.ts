import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { tinyBert } from '../__fixtures__/golden.js';
import { addTokens } from './add-tokens.js';
import { buildTokenizer } from './build-tokenizer.js';
import { loadTokenizer } from './load-tokenizer.js';

const characters = await loadTokenizer(fileURLToPath(new URL('../__fixtures__/decoders', import.meta.url)));

test('an added token is found wherever it is spelt, and read back', () => {
  const tokenizer = addTokens(characters, ['<tool>', '<end_tool>']);
  const [ids] = tokenizer.encode(['a<tool>b<end_tool><tool']);
  expect(ids).toEqual([68, 96, 69, 97, 31, 87, 82, 82, 79]);
  expect(tokenizer.decode(ids!)).toBe('a<tool>b<end_tool><tool');
  expect(tokenizer.vocabularySize).toBe(98);
  expect(tokenizer.specialIds).toEqual(characters.specialIds);
  expect(characters.encode(['<tool>'])[0]).toHaveLength(6); // the tokenizer before is as it was
});

test('what is there already is kept: added tokens as they are, pieces under their id', () => {
  const once = addTokens(characters, ['<tool>']);
  const tokenizer = addTokens(once, ['<tool>', '</s>', 'q', '<think>']);
  expect(tokenizer.encode(['<tool>q<think>'])).toEqual([[96, 84, 97]]);
  expect(tokenizer.encode(['</s>'])[0]).toHaveLength(4); // special, and so text where it is spelt out
  expect(tokenizer.vocabularySize).toBe(98);
  expect(addTokens(characters, [])).toBe(characters);
});

test('a normaliser does not change it', async () => {
  const tokenizer = addTokens(await loadTokenizer(tinyBert), ['<TOOL>']);
  const id = tokenizer.vocabularySize - 1;
  expect(tokenizer.encode(['the <TOOL> sat', 'the <tool> sat']).map((ids) => ids.includes(id))).toEqual([true, false]);
});

test('tokenizer_config.json that lists added tokens lists these as well', () => {
  const config = { added_tokens_decoder: { 0: { content: '<pad>', special: true } } };
  const { files } = addTokens(buildTokenizer({ ...characters.files!, config }), ['<tool>']);
  expect(files?.config).toMatchObject({
    added_tokens_decoder: { 0: { content: '<pad>' }, 96: { content: '<tool>', special: false } },
  });
});

test.each([
  [['<a>', '<b>', '<a>'], /"<a>" is to be added twice/],
  [['<a>', ''], /An empty token/],
  [['\ud83d'], /reads the added token "\\ud83d" as .*, not as its id 96/], // half a character
])('%j is refused', (tokens, message) => {
  const add = () => addTokens(characters, tokens);
  expect(add).toThrow(expect.objectContaining({ code: 'INVALID_ADDED_TOKENS' }));
  expect(add).toThrow(message);
});

test('of two that begin alike the longer is found', () => {
  expect(addTokens(characters, ['too', 'tool']).encode(['tootool'])).toEqual([[96, 97]]);
});

test('without files there is nothing to add to', () => {
  const { files: _, ...bare } = characters;
  expect(() => addTokens(bare, ['<tool>'])).toThrow(/came from no files/);
});
