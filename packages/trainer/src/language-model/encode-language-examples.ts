/**
 * Texts, completions and conversations as token ids with marks of what is learned.
 *
 *   text         begin, the text, end                learned: all but the first token
 *   completion   begin, the prompt, the completion, end      learned: the completion and the end
 *   chat         as the model's template renders it          learned: the assistant's turns, their ends included
 *
 * 'begin' is what the tokenizer puts before a text. A completion's ids are those that it adds to the prompt's, which are as
 * they are when the model is prompted. What is too long loses its end; a prompt its beginning, so that what is to be learned stays.
 */
import type { LanguageExample } from '@loran/datasets';
import type { LanguageModel } from '@loran/models';
import { requireCount } from '../training-option-error.js';
import { continuation } from './continuation.js';
import type { EncodedText } from './encoded-text.js';
import { encodeChat } from './encode-chat.js';

/** What encoding asks of a model. */
export type TextModel = Pick<LanguageModel, 'tokenizer' | 'maxLength' | 'endIds'>;

export interface LanguageEncodeOptions {
  /** Most tokens of an example; default the model's positions. */
  readonly maxLength?: number;
  /** Put the model's end token behind texts and completions that lack it; default true. */
  readonly appendEnd?: boolean;
  /** Called with the examples encoded so far. */
  readonly onProgress?: (done: number, all: number) => void;
}

/** Throws TRAINING_OPTION for a length that is none, and what the chat template throws. */
export async function encodeLanguageExamples(
  examples: readonly LanguageExample[],
  model: TextModel,
  { maxLength = model.maxLength, appendEnd = true, onProgress }: LanguageEncodeOptions = {},
): Promise<EncodedText[]> {
  requireCount('maxLength', maxLength);
  const longest = Math.min(maxLength, model.maxLength);
  const encoded: EncodedText[] = [];
  onProgress?.(0, examples.length);
  for (const example of examples) {
    encoded.push({ ...(await encode(example, model, longest, appendEnd)), line: example.line });
    onProgress?.(encoded.length, examples.length);
  }
  return encoded;
}

async function encode(
  example: LanguageExample,
  model: TextModel,
  longest: number,
  appendEnd: boolean,
): Promise<EncodedText> {
  const { tokenizer } = model;
  const whole = (text: string) => tokenizer.encode([text])[0] ?? [];
  switch (example.form) {
    case 'text':
      return shortened([], ended(whole(example.text), model, appendEnd), longest);
    case 'completion': {
      const { prompt, completion } = example;
      const ids = tokenizer.encode([prompt], { addSpecialTokens: false })[0] ?? [];
      const written = continuation(tokenizer, { text: prompt, ids }, completion);
      const fixed = tokenizer.before;
      return shortened([...fixed, ...ids], ended(written, model, appendEnd), longest, fixed.length);
    }
    case 'chat':
      return encodeChat(example, tokenizer, longest);
  }
}

function ended(ids: readonly number[], { endIds }: TextModel, append: boolean): readonly number[] {
  const [end] = endIds;
  const last = ids.at(-1);
  return !append || end === undefined || (last !== undefined && endIds.includes(last)) ? ids : [...ids, end];
}

/** The prompt loses its beginning, behind the `fixed` first tokens, before the rest loses its end. */
function shortened(prompt: readonly number[], rest: readonly number[], longest: number, fixed = 0): EncodedText {
  const kept = rest.slice(0, Math.max(1, longest - fixed));
  const over = Math.max(0, prompt.length + kept.length - longest);
  const before = [...prompt.slice(0, fixed), ...prompt.slice(fixed + over)].slice(0, longest - kept.length);
  const ids = [...before, ...kept];
  return {
    ids,
    supervised: ids.map((_, i) => i > 0 && i >= before.length),
    cut: prompt.length + rest.length - ids.length,
  };
}
