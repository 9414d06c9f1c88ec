/**
 * Looks at encoded texts before the first step, for what would train a model badly without any error:
 *
 * - an end token that is never learned: the model would not stop. It happens when the end is not appended, or where padding
 *   is the end token and is masked with it;
 * - a begin token that stands twice: the model was never trained on that.
 */
import type { LanguageModel } from '@loran/models';
import { LoranError } from '@loran/plugin';
import type { EncodedText } from './encoded-text.js';

/** Throws ENDLESS_TEXTS (unless allowed), DOUBLE_BEGIN; each says where and what to do. */
export function checkLanguageData(
  texts: readonly EncodedText[],
  { endIds, tokenizer }: Pick<LanguageModel, 'endIds' | 'tokenizer'>,
  { allowEndless }: { readonly allowEndless: boolean },
): void {
  const { bosId } = tokenizer;
  const doubled = texts.find(({ ids }) => bosId !== undefined && ids[0] === bosId && ids[1] === bosId);
  if (doubled !== undefined) {
    throw new LoranError(
      'DOUBLE_BEGIN',
      `${where(doubled)} begins with the token ${bosId} twice: the tokenizer adds one, and the text or the chat template has another. Remove it from the text.`,
    );
  }
  if (allowEndless || endIds.length === 0) return;
  const ends = texts.some(({ ids, supervised }) => ids.some((id, i) => supervised[i] === true && endIds.includes(id)));
  if (ends) return;
  const cut = texts.filter(({ cut }) => cut > 0).length;
  throw new LoranError(
    'ENDLESS_TEXTS',
    `No example teaches the model to end: none of its end tokens (${endIds.join(', ')}) is ever learned. ` +
      (cut === texts.length
        ? 'All examples were cut; raise maxLength.'
        : 'Append it (appendEnd, --append-eos), or allow endless texts where that is meant (allowEndless, --no-append-eos).'),
  );
}

const where = ({ line }: EncodedText): string => (line === undefined ? 'An example' : `The example of line ${line}`);
