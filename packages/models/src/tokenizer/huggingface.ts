/**
 * The part of @huggingface/tokenizers that is used here, with what it lacks added. Its own declarations import each other
 * without file endings, which this module resolution does not follow: they would come out as `any`.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { ModelError } from '../model-error.js';
import { type AddedToken, addedTokenSplitter, type Section } from './added-tokens.js';
import type { CheckedDescription } from './check-description.js';
import {
  completeDecoder,
  completeModel,
  completeNormalizer,
  completePreTokenizer,
  type Decoder,
  type Model,
  type Normalizer,
  type PreTokenizer,
} from './completed-parts.js';

/** Ids of texts and back, without what a post-processor puts around them. */
export interface HuggingFaceTokenizer {
  /** `allowSpecial`: whether special tokens that are spelt in the text become their ids. */
  encode(text: string, allowSpecial: boolean): number[];
  /** The text of ids, special tokens included; ids without a token are left out. */
  decode(ids: readonly number[]): string;
}

/** The library's class, as far as it is used. */
interface Library {
  encode(text: string, options: { readonly add_special_tokens: false }): { readonly ids: (number | undefined)[] };
  decode(ids: number[], options: { readonly clean_up_tokenization_spaces: false }): string;
  readonly normalizer: Normalizer | null;
  readonly pre_tokenizer: PreTokenizer | null;
  readonly decoder: Decoder | null;
  model: Model;
}

/** From a checked tokenizer.json in exact words; throws what the library throws. */
export function huggingFaceTokenizer(description: CheckedDescription): HuggingFaceTokenizer {
  const { added_tokens: added } = description;
  const create = (parts: object): Library => {
    const config = { unk_token: description.model['unk_token'] };
    const given = { ...description, post_processor: null, ...parts };
    return new (Tokenizer as unknown as new (description: unknown, config: unknown) => Library)(given, config);
  };
  const whole = create({});
  completeDecoder(whole.decoder);
  completeModel(whole.model);
  const reader = (known: readonly AddedToken[]) => {
    // the library is left those tokens that are looked for in the normalised text
    const library = create({ decoder: null, added_tokens: known.filter(isNormalized), model: emptyModel });
    library.model = whole.model;
    completeNormalizer(library.normalizer);
    const place = { first: true };
    completePreTokenizer(library.pre_tokenizer, place);
    return reading(library, addedTokenSplitter(known.filter((token) => !isNormalized(token))), place);
  };
  const plain = reader(added.filter(({ special }) => special !== true));
  const withSpecial = reader(added);
  return {
    encode: (text, allowSpecial) => {
      const read = text.replace(/\p{Cs}/gu, '\ufffd'); // half a surrogate pair is no character
      return allowSpecial ? withSpecial(read) : plain(read);
    },
    decode: (ids) => {
      const known = ids.filter((id) => whole.model.vocab[id] !== undefined);
      return known.length === 0 ? '' : whole.decode(known, { clean_up_tokenization_spaces: false });
    },
  };
}

const emptyModel = { type: 'BPE', vocab: {}, merges: [] };
const isNormalized = ({ normalized, special }: AddedToken): boolean => normalized ?? special !== true;

/** `place`: tells the pre-tokenizer whether a section begins the text. */
function reading(
  library: Library,
  sectionsOf: (text: string) => Section[],
  place: { first: boolean },
): (text: string) => number[] {
  return (text) =>
    sectionsOf(text).flatMap((section, i) => {
      if (typeof section === 'number') return [section];
      place.first = i === 0;
      return library.encode(section, { add_special_tokens: false }).ids.map((id) => {
        if (id !== undefined) return id;
        throw new ModelError(
          'INVALID_TOKENIZER',
          `The tokenizer has no token for something in ${JSON.stringify(section.slice(0, 40))}, and no unknown token. Take the tokenizer.json published with the model.`,
        );
      });
    });
}
