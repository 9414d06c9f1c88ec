/** What a file that is no safetensors file probably is, from its first eight bytes: the usual mistakes. */
const signs: readonly (readonly [start: string, meaning: string])[] = [
  ['version ', 'This looks like a Git LFS pointer: fetch the real file with `git lfs pull`.'],
  ['<!DOCTYP', 'This looks like a web page: download the file itself.'],
  ['<html', 'This looks like a web page: download the file itself.'],
  ['PK', 'This looks like a zip archive, perhaps a PyTorch .bin file: convert it to safetensors.'],
  ['GGUF', 'This looks like a GGUF file.'],
  ['{', 'This looks like JSON, perhaps an index file: give the folder instead.'],
];

export function mistakenFile(start: Uint8Array): string {
  const text = String.fromCharCode(...start);
  return signs.find(([sign]) => text.startsWith(sign))?.[1] ?? 'Is it a whole safetensors file?';
}
