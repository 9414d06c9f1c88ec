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
    return tokenizerFrom(tokenizer, specialNames(config), wordsAreIndependent(description));
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    throw new ModelError(
      'INVALID_TOKENIZER',
      `${path} does not describe a tokenizer that can be built: ${String(cause)}.`,
      { cause },
    );
  }
}

function tokenizerFrom(tokenizer: HuggingFaceTokenizer, special: SpecialNames, byWords: boolean): Tokenizer {
  const idOf = (token: string | undefined) => (token === undefined ? undefined : tokenizer.token_to_id(token));
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
    encode: (texts, { maxLength = Infinity, addSpecialTokens = true } = {}) => {
      const [start, end] = addSpecialTokens ? [before, after] : [[], []];
      const count = maxLength - start.length - end.length;
      if (count < 0) {
        throw new ModelError(
          'SEQUENCE_TOO_LONG',
          `maxLength is ${maxLength}, but the special tokens alone take ${start.length + end.length}. Give a larger one.`,
        );
      }
      return texts.map((text) => [...start, ...(count > 0 ? first(text, count) : []), ...end]);
    },
    before,
    after,
    bosId: idOf(special.bos),
    eosId: idOf(special.eos),
    decode: (tokens) => tokenizer.decode([...tokens], { skip_special_tokens: true }),
    padId: idOf(special.pad) ?? 0,
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

interface SpecialNames {
  readonly pad: string | undefined;
  readonly bos: string | undefined;
  readonly eos: string | undefined;
}

/** The special tokens that tokenizer_config.json names. */
function specialNames(config: unknown): SpecialNames {
  const nameOf = (field: string): string | undefined => {
    const token = (config as Readonly<Record<string, unknown>> | null)?.[field];
    const content: unknown =
      typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token;
    return typeof content === 'string' ? content : undefined;
  };
  return { pad: nameOf('pad_token'), bos: nameOf('bos_token'), eos: nameOf('eos_token') };
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
