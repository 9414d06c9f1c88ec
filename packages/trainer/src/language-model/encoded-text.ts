/** A text as the numbers that a language model learns from. */
export interface EncodedText {
  /** Token ids with the special tokens, not padded. */
  readonly ids: readonly number[];
  /** Which ids are learned, each predicted from those before it; never the first. */
  readonly supervised: readonly boolean[];
  /** Tokens that did not fit and were cut off. */
  readonly cut: number;
  /** Line of the example in its file, for messages. */
  readonly line?: number;
}

/** How many ids of a text are learned. */
export const supervisedCount = ({ supervised }: EncodedText): number => supervised.filter(Boolean).length;
