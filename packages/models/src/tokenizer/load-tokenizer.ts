/** The tokenizer of a Hugging Face folder, through @huggingface/tokenizers, with truncation added. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from '../folder/read-json.js';
import { ModelError } from '../model-error.js';
import { type HuggingFaceTokenizer, huggingFaceTokenizer } from './huggingface.js';
import { leadingWords, wordsAreIndependent } from './leading-words.js';
import type { Tokenizer } from './tokenizer.js';

/** Reads tokenizer.json and tokenizer_config.json. Throws TOKENIZER_NOT_FOUND, INVALID_TOKENIZER. */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const description = await readJson(folder, 'tokenizer.json');
  if (description === undefined) throw await tokenizerNotFound(folder);
  const config = (await readJson(folder, 'tokenizer_config.json')) ?? {};
  const path = join(folder, 'tokenizer.json');
  try {
    const tokenizer = huggingFaceTokenizer(description, config);
    return tokenizerFrom(tokenizer, padTokenOf(config), wordsAreIndependent(description));
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    throw new ModelError(
      'INVALID_TOKENIZER',
      `${path} does not describe a tokenizer that can be built: ${String(cause)}.`,
      { cause },
    );
  }
}

function tokenizerFrom(tokenizer: HuggingFaceTokenizer, padToken: string | undefined, byWords: boolean): Tokenizer {
  const ids = (text: string, special: boolean): number[] => tokenizer.encode(text, { add_special_tokens: special }).ids;
  const { before, after } = specialTokens(ids('a', false), ids('a', true));
  const first = (text: string, count: number): number[] => {
    for (let length = 8 * count; byWords; length *= 2) {
      const start = leadingWords(text, length);
      if (start === undefined) break;
      const found = ids(start, false);
      if (found.length >= count) return found.slice(0, count);
    }
    return ids(text, false).slice(0, count);
  };
  return {
    encode: (texts, { maxLength = Infinity } = {}) => {
      if (maxLength < before.length + after.length) {
        throw new ModelError(
          'SEQUENCE_TOO_LONG',
          `maxLength is ${maxLength}, but the special tokens alone take ${before.length + after.length}. Give a larger one.`,
        );
      }
      const count = maxLength - before.length - after.length;
      return texts.map((text) => [...before, ...(count > 0 ? first(text, count) : []), ...after]);
    },
    decode: (tokens) => tokenizer.decode([...tokens], { skip_special_tokens: true }),
    padId: padToken === undefined ? 0 : (tokenizer.token_to_id(padToken) ?? 0),
    vocabularySize: 1 + [...tokenizer.get_vocab(true).values()].reduce((most, id) => Math.max(most, id), -1),
  };
}

/** What the post-processor puts around one text, from the ids of a sample with and without it. */
function specialTokens(
  plain: readonly number[],
  whole: readonly number[],
): { before: readonly number[]; after: readonly number[] } {
  for (let start = 0; start + plain.length <= whole.length; start++) {
    if (plain.every((id, i) => whole[start + i] === id)) {
      return { before: whole.slice(0, start), after: whole.slice(start + plain.length) };
    }
  }
  throw new ModelError(
    'INVALID_TOKENIZER',
    'The tokenizer changes the tokens of a text when it adds special tokens, which truncation here does not know. Use another tokenizer.json.',
  );
}

function padTokenOf(config: unknown): string | undefined {
  const token: unknown = (config as { pad_token?: unknown } | null)?.pad_token;
  const content: unknown =
    typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token;
  return typeof content === 'string' ? content : undefined;
}

async function tokenizerNotFound(folder: string): Promise<ModelError> {
  const entries = await fs.readdir(folder);
  const other = entries.find((entry) => entry === 'vocab.txt' || entry === 'vocab.json' || entry.endsWith('.model'));
  return new ModelError(
    'TOKENIZER_NOT_FOUND',
    `${folder} has no tokenizer.json${other === undefined ? '' : `, only ${other}`}. ` +
      'Take the one published with the model, or write it once in Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).',
  );
}
