/** What a file of another kind than expected probably is, from its first eight bytes: the usual mistakes. */
const signs: readonly (readonly [start: string, meaning: string])[] = [
  ['version ', 'This looks like a Git LFS pointer: fetch the real file with `git lfs pull`.'],
  ['<!DOCTYP', 'This looks like a web page: download the file itself.'],
  ['<html', 'This looks like a web page: download the file itself.'],
  [
    'PK',
    'This looks like a zip archive, perhaps a PyTorch .bin file; save the model as safetensors, or open it with openTorch().',
  ],
  ['GGUF', 'This looks like a GGUF file.'],
  ['{', 'This looks like JSON, perhaps an index file: give the folder instead.'],
];

/** `expected`: the kind of file that it should be. */
export function mistakenFile(start: Uint8Array, expected: string): string {
  const text = String.fromCharCode(...start);
  return signs.find(([sign]) => text.startsWith(sign))?.[1] ?? `Is it a whole ${expected} file?`;
}
