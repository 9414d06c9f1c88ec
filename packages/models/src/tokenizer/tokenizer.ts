/** Texts to token ids and back, as the model's tokenizer.json says. */
export interface Tokenizer {
  /**
   * Token ids of each text, with the special tokens that the model expects ([CLS] … [SEP]).
   * Longer texts lose their end, not the special tokens; `maxLength` counts those too. Not padded: batches pad.
   */
  encode(texts: readonly string[], options?: { readonly maxLength?: number }): number[][];
  /** The text of token ids, without special tokens. */
  decode(ids: readonly number[]): string;
  /** Id that fills up a batch; 0 where the tokenizer names none, since the mask hides it. */
  readonly padId: number;
  /** Highest token id, plus 1. */
  readonly vocabularySize: number;
}
