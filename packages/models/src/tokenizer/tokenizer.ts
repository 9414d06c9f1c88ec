import type { ChatMessage, ChatTemplateOptions } from '../chat/chat-message.js';
import type { TokenizerFiles } from './tokenizer-files.js';
import type { TextStream } from './text-stream.js';

export interface EncodeOptions {
  /** Most tokens, special ones included; default: no bound. */
  readonly maxLength?: number;
  /** Whether `before` and `after` are put around; default true. */
  readonly addSpecialTokens?: boolean;
  /**
   * Whether special tokens that are spelt out in a text become their ids. Default false: what a user writes is text, even
   * `<|im_end|>`. True for what a chat template renders.
   */
  readonly allowSpecial?: boolean;
}

export interface DecodeOptions {
  /** Default true. */
  readonly skipSpecialTokens?: boolean;
}

/** Texts to token ids and back, as the model's tokenizer.json says. */
export interface Tokenizer {
  /**
   * Token ids of each text, with the special tokens that the model expects ([CLS] … [SEP]).
   * Longer texts lose their end, not the special tokens; `maxLength` counts those too. Not padded: batches pad.
   * Throws SEQUENCE_TOO_LONG.
   */
  encode(texts: readonly string[], options?: EncodeOptions): number[][];
  /** The text of token ids; ids that the tokenizer does not know are left out. */
  decode(ids: readonly number[], options?: DecodeOptions): string;
  /** Decodes tokens as they come: no half characters, no spaces lost between pushes. */
  textStream(options?: DecodeOptions): TextStream;
  /**
   * A conversation as the model's chat template writes it, to be encoded with `allowSpecial: true` and without
   * `addSpecialTokens`, since templates write those themselves. Throws NO_CHAT_TEMPLATE, CHAT_TEMPLATE.
   */
  applyChatTemplate(messages: readonly ChatMessage[], options?: ChatTemplateOptions): Promise<string>;
  /** Names of the chat templates there are; empty when there is none. */
  readonly chatTemplates: readonly string[];
  /** Ids of the special tokens that stand before and behind a text: [CLS] and [SEP], or a begin token alone. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Id of the token that begins a text, where the tokenizer names one. */
  readonly bosId: number | undefined;
  /** Id of the token that ends a text, where the tokenizer names one. */
  readonly eosId: number | undefined;
  /** Id of what the vocabulary does not cover, where the tokenizer names one. */
  readonly unkId: number | undefined;
  /** Id that fills up a batch; 0 where the tokenizer names none, since the mask hides it. */
  readonly padId: number;
  /** Ids that stand for something special, not for text. */
  readonly specialIds: ReadonlySet<number>;
  /** What it was built from, for writing it again; absent for one made by hand. */
  readonly files?: TokenizerFiles;
  /** Highest token id, plus 1. */
  readonly vocabularySize: number;
}
