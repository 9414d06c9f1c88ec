/**
 * The part of @huggingface/tokenizers that is used here, with what it lacks added. Its own declarations import each other
 * without file endings, which this module resolution does not follow: they would come out as `any`.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import type { CheckedDescription } from './check-description.js';
import { precompiled } from './precompiled.js';

/** One tokenizer in two moods. */
export interface HuggingFaceTokenizer {
  /** Ids of a text alone; `allowSpecial`: whether special tokens that are spelt in it become their ids. */
  encode(text: string, allowSpecial: boolean): number[];
  /** The text of ids, special tokens included; ids without a token are left out. */
  decode(ids: readonly number[]): string;
}

/** The library's class, as far as it is used. */
interface Library {
  encode(text: string, options: { readonly add_special_tokens: false }): { readonly ids: number[] };
  decode(ids: number[], options: { readonly clean_up_tokenization_spaces: false }): string;
  readonly normalizer: Normalizer | null;
  readonly decoder: Decoder | null;
  model: Model;
}

interface Normalizer {
  readonly config: { readonly type?: string; readonly precompiled_charsmap?: string | null };
  readonly normalizers?: readonly Normalizer[];
  normalize(text: string): string;
}

interface Decoder {
  readonly config: { readonly type?: string; readonly replacement?: string; readonly prepend_scheme?: string };
  readonly decoders?: readonly Decoder[];
  decode_chain(tokens: string[]): string[];
}

interface Model {
  readonly config: { readonly type?: string; readonly byte_fallback?: boolean };
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly vocab: readonly (string | undefined)[];
  encode(tokens: string[]): string[];
}

/** From a checked tokenizer.json in exact words; throws what the library throws. */
export function huggingFaceTokenizer(description: CheckedDescription): HuggingFaceTokenizer {
  const create = (given: unknown): Library => {
    const config = { unk_token: description.model['unk_token'] };
    return new (Tokenizer as unknown as new (description: unknown, config: unknown) => Library)(given, config);
  };
  const whole = create({ ...description, post_processor: null });
  // the same model in a tokenizer that knows no special tokens, so that their spelling is text like any other
  const plain = create({
    ...description,
    post_processor: null,
    decoder: null,
    added_tokens: description.added_tokens.filter(({ special }) => special !== true),
    model: { type: 'BPE', vocab: {}, merges: [] },
  });
  plain.model = whole.model;
  for (const { normalizer } of [whole, plain]) completeNormalizer(normalizer);
  completeDecoder(whole.decoder);
  if (whole.model.config.type === 'Unigram' && whole.model.config.byte_fallback === true) addByteFallback(whole.model);
  return {
    encode: (text, allowSpecial) => (allowSpecial ? whole : plain).encode(text, { add_special_tokens: false }).ids,
    decode: (ids) => {
      const known = ids.filter((id) => whole.model.vocab[id] !== undefined);
      return known.length === 0 ? '' : whole.decode(known, { clean_up_tokenization_spaces: false });
    },
  };
}

/** The library computes SentencePiece's character map by rules of thumb; the file holds the map itself. */
function completeNormalizer(normalizer: Normalizer | null): void {
  if (normalizer?.config.type === 'Precompiled' && normalizer.config.precompiled_charsmap != null) {
    normalizer.normalize = precompiled(normalizer.config.precompiled_charsmap);
  }
  normalizer?.normalizers?.forEach(completeNormalizer);
}

/** Of a Metaspace decoder's first token all marks go, or with prepend_scheme 'never' none. */
function completeDecoder(decoder: Decoder | null): void {
  if (decoder?.config.type === 'Metaspace') {
    const { replacement = '▁', prepend_scheme: scheme } = decoder.config;
    decoder.decode_chain = (tokens) =>
      tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== 'never' ? '' : ' '));
  }
  decoder?.decoders?.forEach(completeDecoder);
}

/** What no piece covers becomes its UTF-8 bytes where the vocabulary has them. */
function addByteFallback(model: Model): void {
  const encode = model.encode.bind(model);
  const utf8 = new TextEncoder();
  model.encode = (words) =>
    encode(words).flatMap((piece) => {
      if (model.tokens_to_ids.has(piece)) return [piece];
      const bytes = Array.from(utf8.encode(piece), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
      return bytes.every((byte) => model.tokens_to_ids.has(byte)) ? bytes : [piece];
    });
}
