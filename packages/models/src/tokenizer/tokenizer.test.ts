import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyOfTinyBert, goldenTokens, tinyBert } from '../__fixtures__/golden.js';
import { leadingWords } from './leading-words.js';
import { loadTokenizer } from './load-tokenizer.js';

test.each(goldenTokens)(
  'ids of $text, whole and truncated, are those of the tokenizers library',
  async ({ text, ids, first8 }) => {
    const tokenizer = await loadTokenizer(tinyBert);
    expect(tokenizer.encode([text], { allowSpecial: true })).toEqual([ids]);
    expect(tokenizer.encode([text], { maxLength: 8, allowSpecial: true })).toEqual([first8]);
  },
);

test('a long text is cut as if all of it had been tokenised', async () => {
  const tokenizer = await loadTokenizer(tinyBert);
  const piece = fc.constantFrom(
    'the',
    'cat',
    ' ',
    '  ',
    '\n',
    '\t',
    '\u000b',
    '\ufeff',
    '\u00a0',
    '\u2028',
    '.',
    'Σ',
    'e\u0301',
    '\u0301',
    '[MASK]',
    'x'.repeat(120),
    '中',
    '\u{1f600}',
    '##s',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 80 }), fc.integer({ min: 2, max: 12 }), (pieces, maxLength) => {
      const text = pieces.join('');
      const [whole = []] = tokenizer.encode([text]);
      const expected = whole.length <= maxLength ? whole : [...whole.slice(0, maxLength - 1), 3];
      expect(tokenizer.encode([text], { maxLength })).toEqual([expected]);
    }),
    { numRuns: 500 },
  );
});

test('the first words end before white space, or the text is no longer', () => {
  expect(leadingWords('one two three', 2)).toBe('one');
  expect(leadingWords('one two three', 3)).toBe('one');
  expect(leadingWords('one two three', 4)).toBe('one two');
  expect(leadingWords('one two three', 9)).toBeUndefined();
  expect(leadingWords('one', Infinity)).toBeUndefined();
});

test('decoding leaves special tokens out; the pad id and the size of the vocabulary are known', async () => {
  const tokenizer = await loadTokenizer(tinyBert);
  expect(tokenizer.decode(tokenizer.encode(['The cat sat on the mat'])[0]!)).toBe('the cat sat on the mat');
  expect(tokenizer.padId).toBe(0);
  expect(tokenizer.vocabularySize).toBe(79);
  expect(() => tokenizer.encode(['cat'], { maxLength: 1 })).toThrow(/special tokens alone take 2/);
  expect(tokenizer.encode(['cat'], { maxLength: 2 })).toEqual([[2, 3]]);
});

describe('a folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = copyOfTinyBert();
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('without tokenizer_config.json has a tokenizer all the same', async () => {
    rmSync(join(folder, 'tokenizer_config.json'));
    expect((await loadTokenizer(folder)).encode(['cat'])).toEqual([[2, 6, 3]]);
  });

  test('with another pad token, written either way', async () => {
    for (const pad_token of ['[MASK]', { content: '[MASK]' }]) {
      writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ pad_token }));
      expect((await loadTokenizer(folder)).padId).toBe(4);
    }
  });

  test('with special tokens named in special_tokens_map.json, which tokenizer_config.json may overrule', async () => {
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ pad_token: '[MASK]' }));
    writeFileSync(
      join(folder, 'special_tokens_map.json'),
      JSON.stringify({ pad_token: '[PAD]', bos_token: { content: '[CLS]' }, eos_token: '[SEP]', unk_token: '[UNK]' }),
    );
    expect(await loadTokenizer(folder)).toMatchObject({
      padId: 4,
      bosId: 2,
      eosId: 3,
      unkId: 1,
      before: [2],
      after: [3],
    });
  });

  test('whose tokenizer.json is larger than any is not read', async () => {
    truncateSync(join(folder, 'tokenizer.json'), 2 ** 28 + 1);
    await expect(loadTokenizer(folder)).rejects.toThrow(/tokenizer\.json has 268435457 bytes; at most 268435456/);
  });

  test('without tokenizer.json is told what to provide', async () => {
    rmSync(join(folder, 'tokenizer.json'));
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: 'TOKENIZER_NOT_FOUND' });
    writeFileSync(join(folder, 'vocab.txt'), '[PAD]');
    await expect(loadTokenizer(folder)).rejects.toThrow(/no tokenizer\.json, only vocab\.txt\. .*save_pretrained/);
  });

  test.each([
    ['no JSON', '{', 'INVALID_MODEL_CONFIG'],
    ['null', 'null', 'INVALID_TOKENIZER'],
    ['a model of an unknown type', '{"model":{"type":"Psychic","vocab":{}}}', 'INVALID_TOKENIZER'],
    ['an empty object', '{}', 'INVALID_TOKENIZER'],
  ])('whose tokenizer.json is %s', async (_, text, code) => {
    writeFileSync(join(folder, 'tokenizer.json'), text);
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ code });
  });

  test('that is not there', async () => {
    const absent = join(mkdtempSync(join(tmpdir(), 'loran-models-')), 'absent');
    await expect(loadTokenizer(absent)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  test('whose tokenizer.json asks for padding and truncation: batches decide those here', async () => {
    const path = join(folder, 'tokenizer.json');
    const description = JSON.parse(readFileSync(path, 'utf8'));
    const padding = {
      strategy: { Fixed: 9 },
      direction: 'Right',
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: '[PAD]',
    };
    writeFileSync(
      path,
      JSON.stringify({ ...description, padding, truncation: { max_length: 3, strategy: 'LongestFirst', stride: 0 } }),
    );
    expect((await loadTokenizer(folder)).encode(['the cat sat'])).toEqual([[2, 5, 6, 7, 3]]);
  });
});
