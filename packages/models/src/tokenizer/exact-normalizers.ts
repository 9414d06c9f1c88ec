/** Normalizers in the words that @huggingface/tokenizers computes as the Python tokenizers do; see exact-parts.ts. */
import { isFields } from './check-description.js';
import type { Part, Refuse } from './exact-parts.js';

const replace = (Regex: string, content: string): Part => ({ type: 'Replace', pattern: { Regex }, content });

/** JavaScript writes the Σ at the end of a word as ς; character by character it is σ. */
const lowercase: readonly Part[] = [replace('\u03a3', '\u03c3'), { type: 'Lowercase' }];

const han =
  '[\\u4E00-\\u9FFF\\u3400-\\u4DBF\\x{20000}-\\x{2A6DF}\\x{2A700}-\\x{2B73F}\\x{2B740}-\\x{2B81F}\\x{2B920}-\\x{2CEAF}\\uF900-\\uFAFF\\x{2F800}-\\x{2FA1F}]';

const as = new Set(['NFC', 'NFD', 'NFKC', 'NFKD', 'Precompiled', 'StripAccents', 'Prepend']);

export function exactNormalizer(part: NonNullable<Part>, field: string, refuse: Refuse): Part {
  const { type } = part;
  if (typeof type === 'string' && as.has(type)) return part;
  switch (type) {
    case 'BertNormalizer':
      return sequence(bert(part));
    case 'Lowercase':
      return sequence(lowercase);
    case 'Strip':
      return sequence([
        ...(part['strip_left'] === false ? [] : [replace('\\A\\s+', '')]),
        ...(part['strip_right'] === false ? [] : [replace('\\s+\\z', '')]),
      ]);
    case 'Replace': {
      const { pattern, content = '' } = part;
      if (!isFields(pattern) || typeof content !== 'string') {
        throw refuse(field, 'has no pattern and content to replace it with');
      }
      return { type, pattern, content: content.replaceAll('$', '$$$$') }; // $ stands for itself
    }
    default:
      throw refuse(`${field}.type`, `is ${JSON.stringify(type)}, which is no known normalizer`);
  }
}

const sequence = (normalizers: readonly Part[]): Part => ({ type: 'Sequence', normalizers });

/** The defaults are those of the Python tokenizers; accents go where letters become small unless said otherwise. */
function bert({
  clean_text: clean = true,
  handle_chinese_chars: chinese = true,
  lowercase: small = true,
  strip_accents: accents,
}: NonNullable<Part>): Part[] {
  return [
    ...(clean === true
      ? [replace('[\\x00\\uFFFD]|(?![\\t\\n\\r])[\\p{Cc}\\p{Cf}\\p{Co}]', ''), replace('\\s', ' ')]
      : []),
    ...(chinese === true ? [replace(han, ' $& ')] : []),
    ...((accents ?? small) === true ? [{ type: 'NFD' }, replace('\\p{Mn}', '')] : []),
    ...(small === true ? lowercase : []),
  ];
}
