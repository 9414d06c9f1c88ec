/**
 * The part of @huggingface/tokenizers that is used here. Its own declarations import each other without file endings, which
 * this module resolution does not follow: they would come out as `any`.
 */
import { Tokenizer } from '@huggingface/tokenizers';

export interface HuggingFaceTokenizer {
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: number[] };
  decode(ids: number[], options: { readonly skip_special_tokens: boolean }): string;
  token_to_id(token: string): number | undefined;
  get_vocab(withAddedTokens: boolean): ReadonlyMap<string, number>;
}

/** A tokenizer from the contents of tokenizer.json and tokenizer_config.json; throws what the library throws. */
export function huggingFaceTokenizer(description: unknown, config: unknown): HuggingFaceTokenizer {
  const Library = Tokenizer as unknown as new (description: unknown, config: unknown) => HuggingFaceTokenizer;
  return new Library(description, config);
}
