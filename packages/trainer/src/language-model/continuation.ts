import type { EncodeOptions, Tokenizer } from '@loran/models';

/**
 * The ids that `added` adds behind a text that is encoded already. Tokenised together with it, where that leaves the ids before
 * as they are: SentencePiece would put a space before a text alone. Where the two would melt into one token it is encoded
 * apart, as a model that was given the first text writes it.
 */
export function continuation(
  tokenizer: Pick<Tokenizer, 'encode'>,
  before: { readonly text: string; readonly ids: readonly number[] },
  added: string,
  options: Pick<EncodeOptions, 'allowSpecial'> = {},
): readonly number[] {
  if (added === '') return [];
  const plain = { addSpecialTokens: false, ...options };
  const [whole = [], alone = []] = tokenizer.encode([before.text + added, added], plain);
  return before.ids.every((id, i) => whole[i] === id) ? whole.slice(before.ids.length) : alone;
}
