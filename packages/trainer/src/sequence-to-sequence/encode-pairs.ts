/**
 * Prompts and completions as a sequence-to-sequence model reads and writes them.
 *
 *   inputs   the prompt with the tokenizer's special tokens
 *   labels   the completion and the end; all of them learned
 *
 * What is too long loses its end, on either side.
 */
import type { LanguageExample } from '@loran/datasets';
import type { SequenceToSequenceModel } from '@loran/models';
import { LoranError } from '@loran/plugin';
import { requireCount } from '../training-option-error.js';

/** A pair of texts as token ids, not padded. */
export interface EncodedPair {
  readonly inputs: readonly number[];
  readonly labels: readonly number[];
  /** Tokens that did not fit and were cut off, on both sides together. */
  readonly cut: number;
  /** Line of the example in its file, for messages. */
  readonly line?: number;
}

export interface PairEncodeOptions {
  /** Most tokens on either side; default what the model was trained on. */
  readonly maxLength?: number;
  /** Put the model's end token behind completions that lack it; default true. */
  readonly appendEnd?: boolean;
  /** Called with the pairs encoded so far. */
  readonly onProgress?: (done: number, all: number) => void;
}

/** Throws NO_PROMPT for an example that is no prompt with its completion, TRAINING_OPTION for a length that is none. */
export function encodePairs(
  examples: readonly LanguageExample[],
  { tokenizer, endIds, maxLength: longest }: Pick<SequenceToSequenceModel, 'tokenizer' | 'endIds' | 'maxLength'>,
  { maxLength = longest, appendEnd = true, onProgress }: PairEncodeOptions = {},
): EncodedPair[] {
  requireCount('maxLength', maxLength);
  const [end] = endIds;
  onProgress?.(0, examples.length);
  return examples.map((example, i) => {
    if (example.form !== 'completion') {
      throw new LoranError(
        'NO_PROMPT',
        `The example of line ${example.line} has no prompt and completion, which a model that reads one text and writes another needs. Give both fields (--prompt-field, --completion-field), or train a causal language model.`,
      );
    }
    const inputs = tokenizer.encode([example.prompt], { maxLength })[0] ?? [];
    const whole = tokenizer.encode([example.prompt])[0] ?? [];
    const written = tokenizer.encode([example.completion], { addSpecialTokens: false })[0] ?? [];
    const ended = appendEnd && end !== undefined && written.at(-1) !== end ? [...written, end] : written;
    const labels = ended.slice(0, maxLength);
    onProgress?.(i + 1, examples.length);
    return { inputs, labels, cut: whole.length - inputs.length + ended.length - labels.length, line: example.line };
  });
}
