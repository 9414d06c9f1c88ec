export interface EncodeOptions {
  /** Most tokens, special ones included; default: no bound. */
  readonly maxLength?: number;
  /** Whether `before` and `after` are put around; default true. */
  readonly addSpecialTokens?: boolean;
}

/** Texts to token ids and back, as the model's tokenizer.json says. */
export interface Tokenizer {
  /**
   * Token ids of each text, with the special tokens that the model expects ([CLS] … [SEP]).
   * Longer texts lose their end, not the special tokens; `maxLength` counts those too. Not padded: batches pad.
   */
  encode(texts: readonly string[], options?: EncodeOptions): number[][];
  /** The text of token ids, without special tokens. */
  decode(ids: readonly number[]): string;
  /** Ids of the special tokens that stand before and behind a text: [CLS] and [SEP], or a begin token alone. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Id of the token that begins a text, where the tokenizer names one. */
  readonly bosId: number | undefined;
  /** Id of the token that ends a text, where the tokenizer names one. */
  readonly eosId: number | undefined;
  /** Id that fills up a batch; 0 where the tokenizer names none, since the mask hides it. */
  readonly padId: number;
  /** Highest token id, plus 1. */
  readonly vocabularySize: number;
}
