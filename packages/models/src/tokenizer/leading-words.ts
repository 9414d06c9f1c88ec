/**
 * The first words of a text, at least `length` characters of it, cut before white space. `undefined`: the text is no longer.
 * White space is what BERT's rules surely take for it: they drop \v, \f and U+FEFF, which joins the words around.
 */
export function leadingWords(text: string, length: number): string | undefined {
  const end = text.slice(length).search(/[ \t\n\r]/);
  return end < 0 ? undefined : text.slice(0, length + end);
}

/**
 * Whether the tokens of a text's first words never depend on what follows the next white space: true of BERT's rules, as long
 * as no added token holds white space. Then a long text that will be truncated need not be tokenised whole.
 */
export function wordsAreIndependent(tokenizer: unknown): boolean {
  const { normalizer, pre_tokenizer, added_tokens } = tokenizer as Record<string, unknown>;
  const typeOf = (part: unknown) => (part as { type?: unknown } | null | undefined)?.type;
  return (
    typeOf(normalizer) === 'BertNormalizer' &&
    typeOf(pre_tokenizer) === 'BertPreTokenizer' &&
    Array.isArray(added_tokens) &&
    added_tokens.every((token: { content?: unknown } | null) => !/\s/.test(String(token?.content)))
  );
}
