/**
 * A tokenizer.json put into the words that @huggingface/tokenizers computes as the Python tokenizers do.
 *
 * Of some parts its own versions differ: \d and \w know ASCII alone there, \s is JavaScript's, `behavior` of Split and Punctuation
 * and `split` of Metaspace are passed over. They are written here as regular expressions, which it translates rightly.
 */
import { ModelError } from '../model-error.js';
import { isFields } from './check-description.js';
import { exactNormalizer } from './exact-normalizers.js';

export type Part = Readonly<Record<string, unknown>> | null;

/** Throws INVALID_TOKENIZER for a part that neither has. */
export type Refuse = (field: string, complaint: string) => ModelError;

const deepest = 16; // sequences within sequences; published files have two

const gpt2Words = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const punctuation = '[\\p{P}!-/:-@\\[-`{-~]';

const split = (Regex: string, behavior = 'Isolated', invert = false): Part => ({
  type: 'Split',
  pattern: { Regex },
  behavior,
  invert,
});
const sequence = (pretokenizers: Part[]): Part => ({ type: 'Sequence', pretokenizers });
/** A space before a text that does not begin with one. */
const prefixSpace: Part = { type: 'Metaspace', replacement: ' ', prepend_scheme: 'always' };
const word = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200C\\u200D';

/** The description with its normalizer and pre-tokenizer in exact words. */
export function exactParts<T extends Readonly<Record<string, unknown>>>(name: string, description: T): T {
  const refuse: Refuse = (field, complaint) =>
    new ModelError('INVALID_TOKENIZER', `${name}: field '${field}' ${complaint}.`);
  return {
    ...description,
    normalizer: eachPart(description['normalizer'], 'normalizer', 'normalizers', exactNormalizer, refuse),
    pre_tokenizer: eachPart(description['pre_tokenizer'], 'pre_tokenizer', 'pretokenizers', exactPreTokenizer, refuse),
  };
}

/** Walks through sequences; `key` holds their parts. */
function eachPart(
  part: unknown,
  field: string,
  key: 'normalizers' | 'pretokenizers',
  exact: (part: NonNullable<Part>, field: string, refuse: Refuse) => Part,
  refuse: Refuse,
  depth = 0,
): Part {
  if (part === null || part === undefined) return null;
  if (!isFields(part)) throw refuse(field, `is ${JSON.stringify(part)}; expected an object with a type`);
  if (part['type'] !== 'Sequence') return exact(part, field, refuse);
  const parts = part[key];
  if (!Array.isArray(parts)) throw refuse(`${field}.${key}`, 'is no list');
  if (depth === deepest) throw refuse(field, `has sequences within sequences, more than ${deepest} deep`);
  return {
    type: 'Sequence',
    [key]: parts.map((one: unknown, i) => eachPart(one, `${field}.${key}[${i}]`, key, exact, refuse, depth + 1)),
  };
}

function exactPreTokenizer(part: NonNullable<Part>, field: string, refuse: Refuse): Part {
  switch (part['type']) {
    case 'ByteLevel':
      return sequence([
        ...(part['add_prefix_space'] === true ? [prefixSpace] : []),
        ...(part['use_regex'] === false ? [] : [split(gpt2Words)]),
        { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
      ]);
    case 'Whitespace':
      return split(`[${word}]+|[^${word}\\s]+`, 'Removed', true);
    case 'WhitespaceSplit':
      return split('\\s', 'Removed');
    case 'BertPreTokenizer':
      return sequence([split('\\s', 'Removed'), split(punctuation)]);
    case 'Digits':
      return split(part['individual_digits'] === true ? '\\p{N}' : '\\p{N}+');
    case 'CharDelimiterSplit':
      return exactSplit({ type: 'Split', pattern: { String: part['delimiter'] }, behavior: 'Removed' }, field, refuse);
    case 'FixedLength':
      return split(`[\\s\\S]{1,${Number(part['length'] ?? 5)}}`);
    case 'Punctuation':
      return exactSplit(
        { type: 'Split', pattern: { Regex: punctuation }, behavior: 'Isolated', ...part },
        field,
        refuse,
      );
    case 'Split':
      return exactSplit(part, field, refuse);
    case 'Metaspace':
      return exactMetaspace(part);
    default:
      throw refuse(`${field}.type`, `is ${JSON.stringify(part['type'])}, which is no known pre-tokenizer`);
  }
}

/** Every behaviour as one that isolates or removes matches. */
function exactSplit(part: NonNullable<Part>, field: string, refuse: Refuse): Part {
  const { pattern, behavior = 'Isolated', invert = false } = part;
  const source = isFields(pattern) ? (pattern['Regex'] ?? escaped(pattern['String'])) : undefined;
  if (typeof source !== 'string')
    throw refuse(`${field}.pattern`, `is ${JSON.stringify(pattern)}; expected a Regex or a String`);
  switch (behavior) {
    case 'Isolated': // what lies between the matches comes apart either way
      return split(source);
    case 'Removed':
      return split(withoutCaptures(source), 'Removed', invert === true); // JavaScript's split keeps what groups capture
    case 'Contiguous':
      if (invert !== true) return split(`(?:${source})+`);
      break;
    case 'MergedWithNext':
      if (invert !== true) return split(`(?=${source})`);
      break;
    case 'MergedWithPrevious':
      if (invert !== true) return split(`(?<=${source})`);
      break;
  }
  throw refuse(
    `${field}.behavior`,
    `is ${JSON.stringify(behavior)}${invert === true ? ' of an inverted pattern' : ''}, which is not supported`,
  );
}

/** Groups that capture as groups that do not. */
function withoutCaptures(regex: string): string {
  return regex.replace(/\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\((?!\?)/g, (found) => (found === '(' ? '(?:' : found));
}

const escaped = (text: unknown): string | undefined =>
  typeof text === 'string' ? text.replace(/[.*+?^${}()|[\]\\/&~-]/g, '\\$&') : undefined;

/** Older files have add_prefix_space where newer ones have prepend_scheme. */
function exactMetaspace({
  replacement = '▁',
  prepend_scheme,
  add_prefix_space,
  split: splits,
}: NonNullable<Part>): Part {
  const scheme = prepend_scheme ?? (add_prefix_space === false ? 'never' : 'always');
  const marked = { type: 'Metaspace', replacement, prepend_scheme: scheme };
  return splits === false ? marked : sequence([marked, split(`(?=${escaped(replacement) ?? '▁'})`)]);
}
