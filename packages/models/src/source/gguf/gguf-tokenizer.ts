/**
 * The tokenizer inside a GGUF file as a tokenizer.json:
 *
 *   tokenizer.ggml.model        'gpt2': byte-level BPE with merges; 'llama': SentencePiece's BPE with scores
 *   tokenizer.ggml.tokens       by id; .scores, .token_type beside them; .merges: pairs with a space between
 *   tokenizer.ggml.pre          how texts are cut into words
 *   tokenizer.chat_template     and tokenizer.chat_template.NAME
 */
import { ModelError } from '../../model-error.js';
import { addedToken, aroundEachText, sentencePieceBpe } from '../../tokenizer/sentencepiece-bpe.js';
import type { TokenizerFiles } from '../../tokenizer/tokenizer-files.js';
import type { GgufFields } from './gguf-fields.js';
import { preTokenizers } from './pre-tokenizers.js';

/** Values of tokenizer.ggml.token_type. */
const kinds = { normal: 1, unknown: 2, control: 3, userDefined: 4 } as const;

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly special: readonly number[];
  /** Matched as they stand, though not special. */
  readonly whole: readonly number[];
  readonly kindOf: (id: number) => number;
}

/** `undefined`: the file has none. Throws INVALID_TOKENIZER, INVALID_MODEL_CONFIG. */
export function ggufTokenizerFiles(fields: GgufFields): TokenizerFiles | undefined {
  const model = fields.text('tokenizer.ggml.model');
  const tokens = fields.texts('tokenizer.ggml.tokens');
  if (model === undefined || model === 'no_vocab' || tokens === undefined) return undefined;
  const vocabulary = vocabularyOf(fields, tokens);
  const name = fields.file.name;
  const common = { name, config: tokenNames(fields, tokens), templates: ggufTemplates(fields) };
  if (model === 'gpt2') return { ...common, description: byteLevelBpe(fields, vocabulary) };
  if (model === 'llama') return { ...common, description: sentencePiece(fields, vocabulary) };
  throw new ModelError(
    'INVALID_TOKENIZER',
    `${name}: its tokenizer is of the kind ${JSON.stringify(model)} (tokenizer.ggml.model); 'gpt2' and 'llama' are read. Put the model's tokenizer.json beside the file.`,
  );
}

function vocabularyOf(fields: GgufFields, tokens: readonly string[]): Vocabulary {
  const types = fields.numbers('tokenizer.ggml.token_type');
  if (types !== undefined && types.length !== tokens.length) {
    throw new ModelError(
      'INVALID_TOKENIZER',
      `${fields.file.name}: metadata field 'tokenizer.ggml.token_type' has ${types.length} entries for ${tokens.length} tokens. The file is damaged.`,
    );
  }
  const kindOf = (id: number): number => types?.[id] ?? kinds.normal;
  const idsOf = (kind: number) => tokens.flatMap((token, id) => (kindOf(id) === kind && token !== '' ? [id] : []));
  return { tokens, special: idsOf(kinds.control), whole: idsOf(kinds.userDefined), kindOf };
}

function byteLevelBpe(fields: GgufFields, { tokens, special, whole }: Vocabulary): unknown {
  const pre = fields.text('tokenizer.ggml.pre') ?? 'default';
  const known = preTokenizers.get(pre);
  if (known === undefined) {
    throw new ModelError(
      'INVALID_TOKENIZER',
      `${fields.file.name}: its tokenizer cuts texts as ${JSON.stringify(pre)} (tokenizer.ggml.pre), which is not known here: ${[...preTokenizers.keys()].join(', ')}. Put the model's tokenizer.json beside the file.`,
    );
  }
  const merges = fields.texts('tokenizer.ggml.merges');
  if (merges === undefined) {
    throw new ModelError(
      'INVALID_TOKENIZER',
      `${fields.file.name}: metadata field 'tokenizer.ggml.merges' is missing, so that no token of several bytes can come about.`,
    );
  }
  return {
    version: '1.0',
    added_tokens: [
      ...special.map((id) => addedToken(id, tokens[id]!, true)),
      ...whole.map((id) => addedToken(id, tokens[id]!, false)),
    ],
    normalizer: known.normalizer ?? null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: known.parts },
    post_processor: aroundEachText(tokens, begin(fields, known.beginsTexts === true), end(fields)),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: known.ignoreMerges === true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

function sentencePiece(fields: GgufFields, { tokens, special, whole, kindOf }: Vocabulary): unknown {
  const scores = fields.numbers('tokenizer.ggml.scores');
  if (scores?.length !== tokens.length) {
    throw new ModelError(
      'INVALID_TOKENIZER',
      `${fields.file.name}: metadata field 'tokenizer.ggml.scores' has ${scores?.length ?? 'no'} entries for ${tokens.length} tokens. The file is damaged.`,
    );
  }
  const named = fields.tokenId('unknown_token_id');
  const unknown = tokens.findIndex((_, id) => kindOf(id) === kinds.unknown);
  return sentencePieceBpe({
    tokens,
    scores,
    apart: new Set(
      tokens.flatMap((_, id) => (kindOf(id) === kinds.normal || kindOf(id) === kinds.userDefined ? [] : [id])),
    ),
    special: unknown < 0 ? special : [unknown, ...special],
    whole,
    unkId: named ?? Math.max(0, unknown),
    bosId: begin(fields, true),
    eosId: end(fields),
    prefixSpace: fields.flag('tokenizer.ggml.add_space_prefix') ?? true,
  }).description;
}

const begin = (fields: GgufFields, otherwise: boolean): number | undefined =>
  (fields.flag('tokenizer.ggml.add_bos_token') ?? otherwise) ? fields.tokenId('bos_token_id') : undefined;
const end = (fields: GgufFields): number | undefined =>
  fields.flag('tokenizer.ggml.add_eos_token') === true ? fields.tokenId('eos_token_id') : undefined;

/** As tokenizer_config.json names them. */
function tokenNames(fields: GgufFields, tokens: readonly string[]): Record<string, unknown> {
  const ids = {
    bos_token: 'bos_token_id',
    eos_token: 'eos_token_id',
    pad_token: 'padding_token_id',
    unk_token: 'unknown_token_id',
  };
  return Object.fromEntries(
    Object.entries(ids).flatMap(([name, field]) => {
      const id = fields.tokenId(field);
      if (id === undefined) return [];
      const token = tokens[id];
      if (token !== undefined) return [[name, token]];
      throw new ModelError(
        'INVALID_TOKENIZER',
        `${fields.file.name}: metadata field 'tokenizer.ggml.${field}' is ${id}, but there are ${tokens.length} tokens. The file is damaged.`,
      );
    }),
  );
}

/** The chat templates by name. */
export function ggufTemplates(fields: GgufFields): ReadonlyMap<string, string> {
  const templates = new Map<string, string>();
  const key = 'tokenizer.chat_template';
  for (const field of fields.file.fields.keys()) {
    if (!field.startsWith(key) || !/^(\.|$)/.test(field.slice(key.length))) continue;
    templates.set(field === key ? 'default' : field.slice(key.length + 1), fields.text(field) ?? '');
  }
  return templates;
}
