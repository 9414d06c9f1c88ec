/** A tokenizer from its files' contents, through @huggingface/tokenizers, with truncation, streams and chat templates added. */
import { chatTemplates } from '../chat/chat-templates.js';
import { ModelError } from '../model-error.js';
import { aroundText } from './around-text.js';
import { type CheckedDescription, checkDescription } from './check-description.js';
import { exactParts } from './exact-parts.js';
import { type HuggingFaceTokenizer, huggingFaceTokenizer } from './huggingface.js';
import { leadingWords, wordsAreIndependent } from './leading-words.js';
import { specialNames } from './special-names.js';
import { textStream } from './text-stream.js';
import type { TokenizerFiles } from './tokenizer-files.js';
import type { DecodeOptions, Tokenizer } from './tokenizer.js';

/** Throws INVALID_TOKENIZER, which names the field. */
export function buildTokenizer(files: TokenizerFiles): Tokenizer {
  const { name, description, config = {}, templates = new Map() } = files;
  const checked = checkDescription(name, description);
  const { before, after } = aroundText(name, checked['post_processor']);
  const library = built(name, checked);
  const idOf = idsOf(checked);
  const names = specialNames(config);
  const byWords = wordsAreIndependent(description);
  const specialIds = new Set(checked.added_tokens.filter(({ special }) => special === true).map(({ id }) => id));

  const first = (text: string, count: number, allowSpecial: boolean): number[] => {
    for (let length = 8 * count; byWords; length *= 2) {
      const start = leadingWords(text, length);
      if (start === undefined) break;
      const found = library.encode(start, allowSpecial);
      if (found.length >= count) return found.slice(0, count);
    }
    return library.encode(text, allowSpecial).slice(0, count);
  };
  const decode = (ids: readonly number[], { skipSpecialTokens = true }: DecodeOptions = {}): string =>
    library.decode(skipSpecialTokens ? ids.filter((id) => !specialIds.has(id)) : ids);

  return {
    encode: (texts, { maxLength = Infinity, addSpecialTokens = true, allowSpecial = false } = {}) => {
      const [start, end] = addSpecialTokens ? [before, after] : [[], []];
      const count = maxLength - start.length - end.length;
      if (count < 0) {
        throw new ModelError(
          'SEQUENCE_TOO_LONG',
          `maxLength is ${maxLength}, but the special tokens alone take ${start.length + end.length}. Give a larger one.`,
        );
      }
      return texts.map((text) => [...start, ...(count > 0 ? first(text, count, allowSpecial) : []), ...end]);
    },
    decode,
    textStream: (options) => textStream((ids) => decode(ids, options)),
    ...chatTemplates(name, templates, names),
    before,
    after,
    bosId: idOf(names.bos),
    eosId: idOf(names.eos),
    unkId: idOf(names.unk ?? unknownToken(checked)),
    padId: idOf(names.pad) ?? 0,
    specialIds,
    files,
    vocabularySize: vocabularySize(checked),
  };
}

function built(name: string, description: CheckedDescription): HuggingFaceTokenizer {
  try {
    return huggingFaceTokenizer(exactParts(name, description));
  } catch (cause) {
    if (cause instanceof ModelError) throw cause;
    throw new ModelError('INVALID_TOKENIZER', `${name} describes no tokenizer that can be built: ${String(cause)}.`, {
      cause,
    });
  }
}

/** The id of a token, added or of the model. */
export function idsOf({
  model,
  added_tokens: added,
}: CheckedDescription): (token: string | undefined) => number | undefined {
  const vocabulary = model['vocab'] as Readonly<Record<string, number>> | readonly [string, number][];
  return (token) => {
    if (token === undefined) return undefined;
    const found = added.find(({ content }) => content === token)?.id;
    if (found !== undefined) return found;
    if (!Array.isArray(vocabulary))
      return Object.hasOwn(vocabulary, token) ? (vocabulary as Record<string, number>)[token] : undefined;
    const place = vocabulary.findIndex(([piece]) => piece === token);
    return place < 0 ? undefined : place;
  };
}

function unknownToken({ model }: CheckedDescription): string | undefined {
  if (model.type !== 'Unigram') return typeof model['unk_token'] === 'string' ? model['unk_token'] : undefined;
  return (model['vocab'] as readonly [string, number][])[model['unk_id'] as number]?.[0];
}

function vocabularySize({ model, added_tokens: added }: CheckedDescription): number {
  const vocabulary = model['vocab'] as Readonly<Record<string, number>> | readonly unknown[];
  const ids = Array.isArray(vocabulary) ? [vocabulary.length - 1] : Object.values(vocabulary as Record<string, number>);
  return 1 + [...ids, ...added.map(({ id }) => id)].reduce((most, id) => Math.max(most, id), -1);
}
