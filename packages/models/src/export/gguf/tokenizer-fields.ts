/**
 * A tokenizer.json as the metadata of a GGUF file; the keys are described in source/gguf/gguf-tokenizer.ts.
 *
 * llama.cpp knows two kinds of it: byte-level BPE, whose merges are written as they are, and SentencePiece's BPE, where a score
 * says which of two tokens comes about first: here the rank of its first merge, negated, which gives the same order.
 */
import type { GgufValue } from '@loran/formats';
import type { ModelSource } from '../../model-family.js';
import { type PreTokenizer, preTokenizers } from '../../source/gguf/pre-tokenizers.js';
import { notExportable } from '../export-error.js';
import { text, uint } from './model-fields.js';

type Json = Readonly<Record<string, unknown>>;
type Fields = (readonly [string, GgufValue])[];

const kinds = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** `vocabulary`: rows of the embedding, at least as many as there are tokens. Throws NOT_EXPORTABLE. */
export function tokenizerFields({ name, tokenizer, generation = {} }: ModelSource, vocabulary: number): Fields {
  const description = tokenizer.files?.description as Json | undefined;
  const model = description?.['model'] as Json | undefined;
  const refuse = (what: string): Error =>
    notExportable(
      `${name}: ${what}, which llama.cpp cannot express. Write the file without a tokenizer, or a Hugging Face folder.`,
    );
  if (description === undefined || model === undefined) throw refuse('its tokenizer came from no file');
  const vocab = model['vocab'] as Readonly<Record<string, number>>;
  if (model['type'] !== 'BPE') throw refuse(`its tokenizer is of the type ${JSON.stringify(model['type'])}`);

  const tokens = Array.from({ length: vocabulary }, (_, id) => `[PAD${id}]`);
  const types = new Int32Array(vocabulary).fill(kinds.unused);
  for (const [token, id] of Object.entries(vocab)) {
    if (id >= vocabulary)
      throw refuse(`its token ${JSON.stringify(token)} has the id ${id}, beyond the embedding of ${vocabulary} rows`);
    tokens[id] = token;
    types[id] =
      token === model['unk_token'] ? kinds.unknown : /^<0x[0-9A-F]{2}>$/.test(token) ? kinds.byte : kinds.normal;
  }
  for (const { id, content, special } of (description['added_tokens'] ?? []) as {
    id: number;
    content: string;
    special: boolean;
  }[]) {
    if (id >= vocabulary) continue; // an embedding that was never resized for it
    tokens[id] = content;
    if (types[id] !== kinds.unknown) types[id] = special ? kinds.control : kinds.userDefined;
  }
  const merges = ((model['merges'] ?? []) as (string | readonly [string, string])[]).map((merge) =>
    typeof merge === 'string' ? merge : merge.join(' '),
  );
  const isBytes = JSON.stringify([description['pre_tokenizer'], description['decoder']]).includes('"ByteLevel"');
  if (!isBytes && model['byte_fallback'] !== true)
    throw refuse('its tokenizer is neither byte-level BPE nor one of SentencePiece');
  const own: Fields = isBytes
    ? [
        ['tokenizer.ggml.model', text('gpt2')],
        ['tokenizer.ggml.pre', text(preTokenizerOf(description, model, refuse))],
        ['tokenizer.ggml.tokens', { type: 'string[]', value: tokens }],
        ['tokenizer.ggml.token_type', { type: 'int32[]', value: types }],
        ['tokenizer.ggml.merges', { type: 'string[]', value: merges }],
      ]
    : [
        ['tokenizer.ggml.model', text('llama')],
        ['tokenizer.ggml.tokens', { type: 'string[]', value: tokens }],
        ['tokenizer.ggml.scores', { type: 'float32[]', value: scoresOf(tokens, merges) }],
        ['tokenizer.ggml.token_type', { type: 'int32[]', value: types }],
        ['tokenizer.ggml.add_space_prefix', flag(beginsWithSpace(description))],
      ];
  return [...own, ...specialFields(tokenizer, generation), ...templateFields(tokenizer.files?.templates ?? new Map())];
}

function specialFields(
  { bosId, eosId, unkId, padId, before, after, specialIds }: ModelSource['tokenizer'],
  generation: Json,
): Fields {
  const ends = [generation['eos_token_id']].flat().filter((id): id is number => Number.isInteger(id) && id !== eosId);
  const ids: (readonly [string, number | undefined])[] = [
    ['bos', bosId],
    ['eos', eosId ?? ends.shift()],
    ['eot', ends[0]],
    ['unknown', unkId],
    ['padding', specialIds.has(padId) ? padId : undefined],
  ];
  return [
    ...ids.flatMap(([name, id]): Fields => (id === undefined ? [] : [[`tokenizer.ggml.${name}_token_id`, uint(id)]])),
    ['tokenizer.ggml.add_bos_token', flag(before.length > 0)],
    ['tokenizer.ggml.add_eos_token', flag(after.length > 0)],
  ];
}

function templateFields(templates: ReadonlyMap<string, string>): Fields {
  const further = [...templates.keys()].filter((name) => name !== 'default');
  return [
    ...[...templates].map(
      ([name, template]) =>
        [name === 'default' ? 'tokenizer.chat_template' : `tokenizer.chat_template.${name}`, text(template)] as const,
    ),
    ...(further.length === 0 ? [] : [['tokenizer.chat_templates', { type: 'string[]', value: further }] as const]),
  ];
}

/** llama.cpp's name for the way in which texts are cut into words. */
function preTokenizerOf(description: Json, model: Json, refuse: (what: string) => Error): string {
  const shape = (part: PreTokenizer['parts'][number] | null | undefined): unknown[] => {
    if (part == null) return [];
    const parts = (part['pretokenizers'] ?? part['normalizers']) as PreTokenizer['parts'] | undefined;
    if (parts !== undefined) return parts.flatMap(shape);
    const { type, pattern, behavior, individual_digits: apart, use_regex: words = true } = part;
    return [type === 'ByteLevel' ? [type, words] : [type, pattern, behavior, apart]];
  };
  const own = JSON.stringify([shape(description['pre_tokenizer'] as Json), shape(description['normalizer'] as Json)]);
  const fitting = [...preTokenizers].filter(
    ([, { parts, normalizer }]) => JSON.stringify([parts.flatMap(shape), shape(normalizer)]) === own,
  );
  const whole = model['ignore_merges'] === true;
  const [name] = fitting.find(([, { ignoreMerges = false }]) => ignoreMerges === whole) ?? [];
  if (name !== undefined) return name;
  throw refuse(`its tokenizer cuts texts as ${JSON.stringify(description['pre_tokenizer']).slice(0, 200)}`);
}

/** Higher is joined first. Tokens that no merge makes stand below all. */
function scoresOf(tokens: readonly string[], merges: readonly string[]): Float32Array {
  const ranks = new Map<string, number>();
  merges.forEach((merge, rank) => {
    const token = merge.replace(' ', '');
    if (!ranks.has(token)) ranks.set(token, rank);
  });
  return Float32Array.from(tokens, (token) => -(ranks.get(token) ?? merges.length));
}

const beginsWithSpace = ({ normalizer, pre_tokenizer: pre }: Json): boolean =>
  /"type":"Prepend"|"prepend_scheme":"(always|first)"|"add_prefix_space":true/.test(JSON.stringify([normalizer, pre]));

const flag = (value: boolean): GgufValue => ({ type: 'bool', value });
