/**
 * How texts are cut into words before byte-pair encoding, by a GGUF file's `tokenizer.ggml.pre`, in the words of the models' own
 * tokenizer.json. The names are llama.cpp's.
 */
type Part = Readonly<Record<string, unknown>>;

export interface PreTokenizer {
  readonly parts: readonly Part[];
  readonly normalizer?: Part;
  /** A word that is a token is taken whole, whatever its merges; default false. */
  readonly ignoreMerges?: boolean;
  /** Whether a begin token is put before a text where the file does not say; default false. */
  readonly beginsTexts?: boolean;
}

const split = (Regex: string): Part => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const bytes = (words: boolean): Part => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: words,
});
const digits = (apart: boolean): Part => ({ type: 'Digits', individual_digits: apart });

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
/** Words with a mark before them, numbers of at most `count` digits, runs of signs and of white space. */
const words = (count: string, letters = '\\p{L}+'): Part =>
  split(
    `${contractions}|[^\\r\\n\\p{L}\\p{N}]?${letters}|\\p{N}${count}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  );

const upper = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const lower = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';
/** Words as runs of capitals with small letters behind them. */
const camelWords = (count: string, ending: string): Part =>
  split(
    `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${ending}|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${ending}|\\p{N}${count}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  );

const gpt2: PreTokenizer = { parts: [bytes(true)] };
const smollm: PreTokenizer = { parts: [digits(true), bytes(true)] };
const llama3: PreTokenizer = { parts: [words('{1,3}'), bytes(false)] };
const llama3Whole: PreTokenizer = { ...llama3, ignoreMerges: true, beginsTexts: true };
const qwen2: PreTokenizer = { parts: [words(''), bytes(false)], normalizer: { type: 'NFC' } };

export const preTokenizers: ReadonlyMap<string, PreTokenizer> = new Map<string, PreTokenizer>([
  ...['gpt-2', 'phi-2', 'mpt', 'olmo', 'jais'].map((name) => [name, gpt2] as const),
  ...['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'minerva-7b'].map((name) => [name, smollm] as const),
  ...['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'lfm2'].map((name) => [name, llama3Whole] as const),
  ...['dbrx', 'smaug-bpe', 'chatglm-bpe', 'glm4'].map((name) => [name, llama3] as const),
  ...['qwen2', 'deepseek-r1-qwen', 'megrez'].map((name) => [name, qwen2] as const),
  ['stablelm2', { parts: [words(''), bytes(false)] }],
  [
    'falcon',
    { parts: [{ type: 'Punctuation', behavior: 'Contiguous' }, bytes(true), digits(false), split('[0-9][0-9][0-9]')] },
  ],
  ['tekken', { parts: [camelWords('', ''), bytes(false)], ignoreMerges: true, beginsTexts: true }],
  ['gpt-4o', { parts: [camelWords('{1,3}', `${contractions}?`), bytes(false)] }],
  // what llama.cpp does with files that were converted without a name
  [
    'default',
    {
      parts: [
        split('[\\p{P}\\$\\+<=>\\^~\\|]+'),
        split("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"),
        split('\\p{N}+'),
        split('[0-9][0-9][0-9]'),
        bytes(false),
      ],
    },
  ],
]);
