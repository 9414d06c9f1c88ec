/**
 * SentencePiece's character map (`Precompiled` in tokenizer.json): characters and short sequences with what replaces them.
 *
 *   bytes of the tree (uint32), tree: a double array of 32-bit units, replacements in UTF-8, each ended by a zero byte
 *
 * As the Python tokenizers apply it: a cluster of less than 6 bytes is replaced whole by what the shortest of its beginnings
 * that the tree knows is replaced by, otherwise character by character. Source: the layout of SentencePiece's normalizer.
 */

/** Throws RangeError when the map is cut off. */
export function precompiled(charsmap: string): (text: string) => string {
  const bytes = Buffer.from(charsmap, 'base64');
  if (bytes.length === 0) return (text) => text;
  const size = bytes.readUInt32LE(0);
  if (size % 4 !== 0 || 4 + size > bytes.length) throw new RangeError('precompiled_charsmap is cut off');
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
  const replacements = bytes.subarray(4 + size);
  const utf8 = new TextEncoder();
  const clusters = new Intl.Segmenter('en', { granularity: 'grapheme' });

  const replacement = (text: string): string | undefined => {
    const at = shortestMatch(units, utf8.encode(text));
    if (at === undefined) return undefined;
    const end = replacements.indexOf(0, at);
    return replacements.toString('utf8', at, end < 0 ? replacements.length : end);
  };
  const known = new Map<string, string>(); // clusters repeat, and are few
  const normalised = (cluster: string): string =>
    (utf8.encode(cluster).length < 6 ? replacement(cluster) : undefined) ??
    Array.from(cluster, (character) => replacement(character) ?? character).join('');

  const replaced = (cluster: string): string => {
    let found = known.get(cluster);
    if (found === undefined) {
      found = normalised(cluster);
      if (known.size < 10_000) known.set(cluster, found);
    }
    return found;
  };
  return (text) => {
    let result = '';
    for (const part of text.split(clear)) {
      if (ascii.test(part)) for (const character of part) result += replaced(character);
      else for (const { segment } of clusters.segment(part)) result += replaced(segment);
    }
    return result;
  };
}

const ascii = /^[ -~]*$/;
/** Where clusters surely part: Intl.Segmenter takes quadratic time for a long text as a whole. */
const clear = /(?<=[!-~])(?= )|(?<=[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}])(?=\p{sc=Han})/u;

/** The value of the first beginning of the key that is in the tree. */
function shortestMatch(units: Uint32Array, key: Uint8Array): number | undefined {
  let node = offsetOf(units[0] ?? 0);
  for (const byte of key) {
    if (byte === 0) return undefined;
    node ^= byte;
    const unit = units[node] ?? 0;
    if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
    node ^= offsetOf(unit);
    if (((unit >>> 8) & 1) === 1) return (units[node] ?? 0) & 0x7fffffff;
  }
  return undefined;
}

const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
