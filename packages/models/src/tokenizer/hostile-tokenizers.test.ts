import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelError } from '../model-error.js';
import { buildTokenizer } from './build-tokenizer.js';

const read = (kind: string): string =>
  readFileSync(fileURLToPath(new URL(`../__fixtures__/tokenizers/${kind}/tokenizer.json`, import.meta.url)), 'utf8');

interface Description {
  model: Record<string, unknown> & { vocab: Record<string, unknown>; merges: unknown[] };
  added_tokens: unknown;
  normalizer: unknown;
  pre_tokenizer: unknown;
  post_processor: unknown;
  decoder: unknown;
}

/** A tiny tokenizer with something changed. */
function changed(kind: string, change: (description: Description) => void): () => unknown {
  const description = JSON.parse(read(kind)) as Description;
  change(description);
  return () => buildTokenizer({ name: 'tokenizer.json', description });
}

const nested = (depth: number): unknown =>
  depth === 0 ? { type: 'NFC' } : { type: 'Sequence', normalizers: [nested(depth - 1)] };

describe('a tokenizer.json that fits no tokenizer names the field', () => {
  test.each<[string, string, (d: Description) => void, RegExp]>([
    ['no merges', 'gpt2', ({ model }) => void Reflect.deleteProperty(model, 'merges'), /'model\.merges' is missing/],
    [
      'half a merge',
      'gpt2',
      ({ model }) => void (model.merges[3] = ['a']),
      /'model\.merges\[3\]' is \["a"\]; expected two tokens/,
    ],
    ['a merge of three', 'gpt2', ({ model }) => void (model.merges[0] = 'a b c'), /'model\.merges\[0\]' is "a b c"/],
    [
      'a merge to no token',
      'gpt2',
      ({ model }) => void (model.merges[1] = 'q z'),
      /'model\.merges\[1\]' needs the token "qz"/,
    ],
    [
      'a merge of no token',
      'gpt2',
      ({ model }) => void (model.merges[1] = ['__proto__', 'z']),
      /needs the token "__proto__"/,
    ],
    ['a vocabulary that is a list', 'gpt2', (d) => void (d.model.vocab = [] as never), /'model\.vocab' is no object/],
    ['an id that is no number', 'gpt2', ({ model }) => void (model.vocab['a'] = '7'), /"a" the id "7"/],
    ['an id beyond all bounds', 'bert', ({ model }) => void (model.vocab['a'] = 4e9), /"a" the id 4000000000/],
    [
      'an unknown model',
      'gpt2',
      ({ model }) => void (model['type'] = 'Psychic'),
      /'model\.type' is "Psychic"; known are BPE, /,
    ],
    [
      'BPE with a prefix',
      'gpt2',
      ({ model }) => void (model['continuing_subword_prefix'] = '##'),
      /continuing_subword_prefix' is "##"/,
    ],
    ['a piece without a score', 't5', ({ model }) => void (model.vocab[3] = ['x']), /'model\.vocab\[3\]' is \["x"\]/],
    ['an unknown piece that is none', 't5', ({ model }) => void (model['unk_id'] = 9999), /'model\.unk_id' is 9999/],
    ['an added token without a text', 'gpt2', (d) => void (d.added_tokens = [{ id: 3 }]), /'added_tokens\[0\]'/],
    ['added tokens that are none', 'gpt2', (d) => void (d.added_tokens = 7), /'added_tokens' is no list/],
    ['an unknown normalizer', 'gpt2', (d) => void (d.normalizer = { type: 'Babel' }), /'normalizer\.type' is "Babel"/],
    ['normalizers without end', 'gpt2', (d) => void (d.normalizer = nested(40)), /more than 16 deep/],
    [
      'an unknown pre-tokenizer in a sequence',
      'gpt2',
      (d) => void (d.pre_tokenizer = { type: 'Sequence', pretokenizers: [null, { type: 'X' }] }),
      /'pre_tokenizer\.pretokenizers\[1\]\.type' is "X"/,
    ],
    [
      'a pre-tokenizer that is a text',
      'gpt2',
      (d) => void (d.pre_tokenizer = 'ByteLevel'),
      /'pre_tokenizer' is "ByteLevel"/,
    ],
    [
      'an inverted split that is kept',
      'gpt2',
      (d) =>
        void (d.pre_tokenizer = { type: 'Split', pattern: { String: 'a' }, behavior: 'MergedWithNext', invert: true }),
      /behavior' is "MergedWithNext" of an inverted pattern/,
    ],
    [
      'an expression that is none',
      'gpt2',
      (d) => void (d.pre_tokenizer = { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' }),
      /Invalid regular expression/,
    ],
    [
      'a map that is cut off',
      't5',
      (d) => void (d.normalizer = { type: 'Precompiled', precompiled_charsmap: '/////w==' }),
      /precompiled_charsmap is cut off/,
    ],
    [
      'an unknown post-processor',
      'gpt2',
      (d) => void (d.post_processor = { type: 'X' }),
      /'post_processor' has the type "X"/,
    ],
    [
      'a template without its text',
      'gpt2',
      (d) => void (d.post_processor = { type: 'TemplateProcessing', single: [] }),
      /the text once/,
    ],
    [
      'a template with unknown tokens',
      'gpt2',
      (d) =>
        void (d.post_processor = {
          type: 'TemplateProcessing',
          single: [{ SpecialToken: { id: 'constructor' } }, { Sequence: { id: 'A' } }],
          special_tokens: {},
        }),
      /special token "constructor"/,
    ],
    ['an unknown decoder', 'gpt2', (d) => void (d.decoder = { type: 'X' }), /Unknown Decoder type: X/],
  ])('%s', (_, kind, change, message) => {
    const build = changed(kind, change);
    expect(build).toThrow(ModelError);
    expect(build).toThrow(message);
  });
});

test.each(['gpt2', 'llama', 't5', 'bert', 'words'])('a damaged %s is refused or built, nothing else', (kind) => {
  const text = read(kind);
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom('0', '"', '[', ']', '{', '}', ',', ':', 'e', '-', '\\', ' '),
      (at, letter) => {
        let description: unknown;
        try {
          description = JSON.parse(text.slice(0, at) + letter + text.slice(at + 1));
        } catch {
          return; // no JSON: refused before
        }
        try {
          const tokenizer = buildTokenizer({ name: 'tokenizer.json', description });
          const [ids = []] = tokenizer.encode(['the cat, 12 … 中']);
          tokenizer.decode(ids);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a text that no token covers is refused rather than given no id', () => {
  const description = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    model: { type: 'WordLevel', vocab: { a: 0 }, unk_token: '<unk>' },
  };
  const tokenizer = buildTokenizer({ name: 'tokenizer.json', description });
  expect(tokenizer.encode(['a'])).toEqual([[0]]);
  expect(() => tokenizer.encode(['b'])).toThrow(/no token for something in "b"/);
});
