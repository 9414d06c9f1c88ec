/** What the parts of @huggingface/tokenizers lack and no other wording of tokenizer.json gives: put right in the parts themselves. */
import { TextDecoder } from 'node:util';
import { precompiled } from './precompiled.js';

export interface Normalizer {
  readonly config: { readonly type?: string; readonly precompiled_charsmap?: string | null };
  readonly normalizers?: readonly Normalizer[];
  normalize(text: string): string;
}

export interface PreTokenizer {
  readonly prepend_scheme?: string;
  readonly tokenizers?: readonly PreTokenizer[];
  pre_tokenize_text(text: string, options: { readonly section_index?: number }): string[];
}

export interface Decoder {
  readonly config: { readonly type?: string; readonly replacement?: string; readonly prepend_scheme?: string };
  readonly decoders?: readonly Decoder[];
  text_decoder?: TextDecoder;
  decode_chain(tokens: string[]): string[];
}

export interface Model {
  readonly config: { readonly type?: string; readonly byte_fallback?: boolean };
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly unk_token_id?: number;
  readonly vocab: readonly (string | undefined)[];
  encode(tokens: string[]): string[];
}

/** The library computes SentencePiece's character map by rules of thumb; the file holds the map itself. */
export function completeNormalizer(normalizer: Normalizer | null): void {
  if (normalizer?.config.type === 'Precompiled' && normalizer.config.precompiled_charsmap != null) {
    normalizer.normalize = precompiled(normalizer.config.precompiled_charsmap);
  }
  normalizer?.normalizers?.forEach(completeNormalizer);
}

/** A Metaspace with the prepend_scheme 'first' marks the beginning of the text alone, not of each section. */
export function completePreTokenizer(part: PreTokenizer | null, place: { first: boolean }): void {
  if (part?.prepend_scheme === 'first') {
    const own = part.pre_tokenize_text.bind(part);
    part.pre_tokenize_text = (text) => {
      const section = place.first ? 0 : 1;
      place.first = false;
      return own(text, { section_index: section });
    };
  }
  part?.tokenizers?.forEach((one) => completePreTokenizer(one, place));
}

/** Of a Metaspace decoder's first token all marks go, or with prepend_scheme 'never' none; bytes may spell U+FEFF. */
export function completeDecoder(decoder: Decoder | null): void {
  if (decoder?.config.type === 'Metaspace') {
    const { replacement = '▁', prepend_scheme: scheme } = decoder.config;
    decoder.decode_chain = (tokens) =>
      tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== 'never' ? '' : ' '));
  }
  if (decoder?.config.type === 'ByteFallback') decoder.text_decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  decoder?.decoders?.forEach(completeDecoder);
}

/**
 * What no piece of a Unigram model covers becomes its UTF-8 bytes where byte_fallback says so and the vocabulary has them:
 * neighbouring unknown pieces together, the unknown token's own spelling among them.
 */
export function completeModel(model: Model): void {
  if (model.config.type !== 'Unigram' || model.config.byte_fallback !== true) return;
  const encode = model.encode.bind(model);
  const utf8 = new TextEncoder();
  const isUnknown = (piece: string) => (model.tokens_to_ids.get(piece) ?? model.unk_token_id) === model.unk_token_id;
  const bytesOf = (piece: string): string[] => {
    if (model.tokens_to_ids.has(piece)) return [piece];
    const bytes = Array.from(utf8.encode(piece), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    return bytes.every((byte) => model.tokens_to_ids.has(byte)) ? bytes : [piece];
  };
  model.encode = (words) => {
    const pieces: string[] = [];
    let unknown = '';
    for (const piece of [...encode(words), '']) {
      if (piece !== '' && isUnknown(piece)) {
        unknown += piece;
        continue;
      }
      if (unknown !== '') pieces.push(...bytesOf(unknown));
      unknown = '';
      if (piece !== '') pieces.push(piece);
    }
    return pieces;
  };
}
