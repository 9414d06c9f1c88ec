import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GgufFile, GgufValue } from '@loran/formats';
import { testData } from '@loran/testing';
import { describe, expect, test } from 'vitest';
import { buildTokenizer } from '../../tokenizer/build-tokenizer.js';
import { loadTokenizer } from '../../tokenizer/load-tokenizer.js';
import { openModel } from '../open-source.js';
import { GgufFields } from './gguf-fields.js';
import { ggufTokenizerFiles } from './gguf-tokenizer.js';

const root = fileURLToPath(new URL('../../__fixtures__/tokenizers', import.meta.url));
const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(root, ...path), 'utf8'));
const corpus = read('corpus.json') as string[];

interface Description {
  readonly added_tokens: { readonly id: number; readonly content: string; readonly special: boolean }[];
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: (string | [string, string])[];
  };
}

const texts = (value: readonly string[]): GgufValue => ({ type: 'string[]', value });
const text = (value: string): GgufValue => ({ type: 'string', value });
const id = (value: number): GgufValue => ({ type: 'uint32', value });
const flag = (value: boolean): GgufValue => ({ type: 'bool', value });

function fieldsOf(fields: Readonly<Record<string, GgufValue>>): GgufFields {
  const file: GgufFile = {
    name: 'model.gguf',
    version: 3,
    tensors: new Map(),
    metadata: new Map(),
    fields: new Map(Object.entries({ 'general.architecture': text('llama'), ...fields })),
    read: () => Promise.reject(new Error('no tensors')),
    // eslint-disable-next-line require-yield
    async *values() {
      throw new Error('no tensors');
    },
    close: () => Promise.resolve(),
  };
  return new GgufFields(file);
}

/** The metadata that llama.cpp's converter makes of a tokenizer.json. */
function metadataOf(kind: string, pre: string): Record<string, GgufValue> {
  const { added_tokens: added, model } = read(kind, 'tokenizer.json') as Description;
  const tokens = Object.entries(model.vocab)
    .sort(([, a], [, b]) => a - b)
    .map(([token]) => token);
  const types = tokens.map(() => 1);
  for (const { id, content, special } of added) {
    tokens[id] = content;
    types[id] = special ? 3 : 4;
  }
  return {
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text(pre),
    'tokenizer.ggml.tokens': texts(tokens),
    'tokenizer.ggml.token_type': { type: 'int32[]', value: Int32Array.from(types) },
    'tokenizer.ggml.merges': texts(model.merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' ')))),
    'tokenizer.ggml.bos_token_id': id(0),
    'tokenizer.ggml.eos_token_id': id(1),
  };
}

const build = (fields: Record<string, GgufValue>) => buildTokenizer(ggufTokenizerFiles(fieldsOf(fields))!);

test.each([
  ['gpt2', 'gpt-2'],
  ['qwen', 'qwen2'],
  ['llama3', 'llama-bpe'],
  ['smollm', 'smollm'],
  ['falcon', 'falcon'],
])('metadata of a %s tokenizer give the ids of its tokenizer.json', async (kind, pre) => {
  const fields = { ...metadataOf(kind, pre), 'tokenizer.ggml.add_bos_token': flag(false) };
  const [own, published] = [build(fields), await loadTokenizer(join(root, kind))];
  for (const allowSpecial of [false, true]) {
    const options = { allowSpecial, addSpecialTokens: false };
    expect(own.encode(corpus, options)).toEqual(published.encode(corpus, options));
  }
  const all = corpus.join('');
  expect(own.decode(own.encode([all])[0]!)).toBe(kind === 'qwen' ? all.normalize('NFC') : all);
});

test('begin and end tokens are put around as the file says, or as its kind has it', () => {
  const fields = metadataOf('llama3', 'llama-bpe');
  expect(build(fields)).toMatchObject({ before: [0], after: [], bosId: 0, eosId: 1 });
  expect(build({ ...fields, 'tokenizer.ggml.add_bos_token': flag(false) }).before).toEqual([]);
  expect(build({ ...fields, 'tokenizer.ggml.add_eos_token': flag(true) }).after).toEqual([1]);
  expect(build(metadataOf('gpt2', 'gpt-2')).before).toEqual([]);
});

test('chat templates come by name', async () => {
  const fields = {
    ...metadataOf('gpt2', 'gpt-2'),
    'tokenizer.chat_template': text('{{ bos_token }}{{ messages[0].content }}'),
    'tokenizer.chat_template.tool_use': text('tools: {{ tools | length }}'),
    'tokenizer.chat_templates': texts(['tool_use']),
  };
  const tokenizer = build(fields);
  const messages = [{ role: 'user', content: 'hi' }];
  expect(tokenizer.chatTemplates).toEqual(['default', 'tool_use']);
  expect(await tokenizer.applyChatTemplate(messages)).toBe('<|endoftext|>hi');
  expect(await tokenizer.applyChatTemplate(messages, { tools: [{}, {}] })).toBe('tools: 2');
});

describe('a file whose tokenizer cannot be built is told so', () => {
  const fields = metadataOf('gpt2', 'gpt-2');
  const without = (key: string) => Object.fromEntries(Object.entries(fields).filter(([name]) => name !== key));
  test.each([
    [
      'an unknown way to cut',
      { ...fields, 'tokenizer.ggml.pre': text('psychic') },
      /cuts texts as "psychic".*gpt-2, .*tokenizer\.json beside/,
    ],
    [
      'an unknown kind',
      { ...fields, 'tokenizer.ggml.model': text('rwkv') },
      /kind "rwkv".*'gpt2' and 'llama' are read/,
    ],
    ['no merges', without('tokenizer.ggml.merges'), /'tokenizer\.ggml\.merges' is missing/],
    [
      'types for other tokens',
      { ...fields, 'tokenizer.ggml.token_type': { type: 'int32[]', value: new Int32Array(3) } },
      /has 3 entries for \d+ tokens/,
    ],
    ['no scores', { ...fields, 'tokenizer.ggml.model': text('llama') }, /'tokenizer\.ggml\.scores' has no entries for/],
    [
      'a begin token that is none',
      { ...fields, 'tokenizer.ggml.bos_token_id': id(70000) },
      /bos_token_id.* is 70000.*\d+ tokens/,
    ],
    [
      'a begin token that is a text',
      { ...fields, 'tokenizer.ggml.bos_token_id': text('x') },
      /is "x"; expected the id of a token/,
    ],
  ] as const)('%s', (_, broken, message) => {
    expect(() => build(broken)).toThrow(message);
  });
  test('none at all', () => {
    expect(ggufTokenizerFiles(fieldsOf({}))).toBeUndefined();
  });
});

const folder = testData('models', 'smollm2-135m-instruct-gguf');

test.skipIf(folder === undefined)(
  "SmolLM2's own tokenizer gives the ids of the Python tokenizers (needs LORAN_TEST_DATA/models/smollm2-135m-instruct-gguf)",
  async () => {
    const alone = mkdtempSync(join(tmpdir(), 'loran-gguf-'));
    const name = 'SmolLM2-135M-Instruct.Q4_1.gguf';
    symlinkSync(join(folder!, name), join(alone, name));
    const { tokenizer, weights, config } = await openModel(alone);
    await weights.close();
    const golden = read('smollm2-published.json') as { plain: number[]; special?: number[] }[];
    expect(tokenizer.encode(corpus)).toEqual(golden.map(({ plain }) => plain));
    expect(tokenizer.encode(corpus, { allowSpecial: true })).toEqual(
      golden.map(({ plain, special = plain }) => special),
    );
    const beside = await loadTokenizer(folder!);
    const messages = [{ role: 'user', content: 'Who are you?' }];
    const options = { addGenerationPrompt: true };
    expect(await tokenizer.applyChatTemplate(messages, options)).toBe(
      await beside.applyChatTemplate(messages, options),
    );
    expect(tokenizer).toMatchObject({ bosId: 1, eosId: 2, padId: 2, unkId: 0, vocabularySize: 49152 });
    expect(config).toMatchObject({ hidden_size: 576, rope_theta: 100000, rms_norm_eps: 1e-5, head_dim: 64 });

    writeFileSync(join(alone, 'config.json'), JSON.stringify({ model_type: 'llama', hidden_size: 512 }));
    await expect(openModel(alone)).rejects.toThrow(/another model's.*hidden_size is 512, of the GGUF file 576/);
    rmSync(alone, { recursive: true });
  },
);
