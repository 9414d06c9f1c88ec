import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testData } from '@loran/testing';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from './load-tokenizer.js';

/** Made by tools/parity/tokenizers_golden.py. */
interface GoldenText {
  readonly plain: number[];
  /** Ids when special tokens in the text are read as such, where that differs. */
  readonly special?: number[];
  readonly text?: string;
}

const root = fileURLToPath(new URL('../__fixtures__/tokenizers', import.meta.url));
const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(root, ...path), 'utf8'));
const corpus = read('corpus.json') as string[];

const tiny = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => ({ name, folder: join(root, name), golden: read(name, 'golden.json') as GoldenText[] }));

const real = ['smollm2-135m-instruct-gguf', 'all-minilm-l6-v2'].map((name) => ({
  name,
  folder: testData('models', name),
  golden: read(`${name}.json`) as GoldenText[],
}));

async function rows(folder: string, allowSpecial: boolean) {
  const tokenizer = await loadTokenizer(folder);
  const ids = tokenizer.encode(corpus, { addSpecialTokens: false, allowSpecial });
  return corpus.map((text, i) => ({ text, ids: ids[i] }));
}

describe.each(tiny)('a tokenizer of the kind $name', ({ folder, golden }) => {
  test('gives the ids of the Python tokenizers, special tokens read or not', async () => {
    expect(await rows(folder, false)).toEqual(corpus.map((text, i) => ({ text, ids: golden[i]!.plain })));
    expect(await rows(folder, true)).toEqual(
      corpus.map((text, i) => ({ text, ids: golden[i]!.special ?? golden[i]!.plain })),
    );
  });

  test('gives the texts of the Python tokenizers, at once and token by token', async () => {
    const tokenizer = await loadTokenizer(folder);
    const decoded = golden.map(({ plain }) => tokenizer.decode(plain));
    expect(decoded).toEqual(golden.map(({ text }) => text));
    const streamed = golden.map(({ plain }) => {
      const stream = tokenizer.textStream();
      return plain.map((id) => stream.push([id])).join('') + stream.end();
    });
    expect(streamed).toEqual(decoded);
  });
});

describe.each(real)('the real tokenizer of $name', ({ folder, golden }) => {
  test.skipIf(folder === undefined)(
    'gives the ids of the Python tokenizers (needs LORAN_TEST_DATA/models)',
    async () => {
      expect(await rows(folder!, false)).toEqual(corpus.map((text, i) => ({ text, ids: golden[i]!.plain })));
      expect(await rows(folder!, true)).toEqual(
        corpus.map((text, i) => ({ text, ids: golden[i]!.special ?? golden[i]!.plain })),
      );
    },
  );
});
