/**
 * Tokens of a user's own: found in every text as they are spelt, never cut up, and read back as text. That is what transformers'
 * `tokenizer.add_tokens([AddedToken(token, normalized=False)])` makes. They are not special: special tokens that are spelt out
 * in a text stay text (see EncodeOptions.allowSpecial), and what is read back leaves them out.
 */
import { ModelError } from '../model-error.js';
import type { AddedToken } from './added-tokens.js';
import { buildTokenizer, idsOf } from './build-tokenizer.js';
import { checkDescription, isFields } from './check-description.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * The tokenizer with these tokens too. Those that it has added already stay as they are; a piece of its vocabulary keeps its id
 * and is no longer cut up; new ones get the ids that follow. Throws INVALID_ADDED_TOKENS.
 */
export function addTokens(tokenizer: Tokenizer, tokens: readonly string[]): Tokenizer {
  const { files, vocabularySize } = tokenizer;
  if (tokens.length === 0) return tokenizer;
  if (files === undefined) throw refused('The tokenizer came from no files, so no tokens can be added to it.');
  const twice = tokens.find((token, i) => tokens.indexOf(token) < i);
  if (twice !== undefined) throw refused(`The token ${JSON.stringify(twice)} is to be added twice. Name it once.`);
  if (tokens.includes('')) throw refused('An empty token is to be added. A token has at least one character.');

  const description = checkDescription(files.name, files.description);
  const known = new Set(description.added_tokens.map(({ content }) => content));
  const idOf = idsOf(description);
  let next = vocabularySize;
  const added = tokens
    .filter((token) => !known.has(token))
    .map((content) => addedToken(idOf(content) ?? next++, content));
  const built = buildTokenizer({
    ...files,
    description: { ...description, added_tokens: [...description.added_tokens, ...added].sort((a, b) => a.id - b.id) },
    config: withDecoder(files.config, added),
    edited: true,
  });
  for (const { id, content } of added) {
    const [ids] = built.encode([content], { addSpecialTokens: false });
    if (ids?.length === 1 && ids[0] === id) continue;
    throw refused(
      `${files.name} reads the added token ${JSON.stringify(content)} as ${JSON.stringify(ids)}, not as its id ${id}. Spell it differently.`,
    );
  }
  return built;
}

const addedToken = (id: number, content: string): Required<AddedToken> => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: false,
});

/** Some tokenizer_config.json list the added tokens by id once more. */
function withDecoder(config: unknown, added: readonly AddedToken[]): unknown {
  if (!isFields(config) || !isFields(config['added_tokens_decoder'])) return config;
  const entries = added.map(({ id, ...token }) => [String(id), token] as const);
  return {
    ...config,
    added_tokens_decoder: { ...config['added_tokens_decoder'], ...Object.fromEntries(entries) },
  };
}

const refused = (message: string): ModelError => new ModelError('INVALID_ADDED_TOKENS', message);
