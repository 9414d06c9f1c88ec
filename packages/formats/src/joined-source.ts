/**
 * Several sources read as one, in their order: a file that was cut into parts, as `split` does.
 *
 *   adapter_model.bin.aa, adapter_model.bin.ab, …    together adapter_model.bin
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileSource, type ByteSource } from './byte-source.js';
import { TensorFileError } from './tensor-file-error.js';

/** The bytes of all parts, one after the other. Closing it closes them. */
function joinedSource(name: string, parts: readonly ByteSource[]): ByteSource {
  const starts = parts.map((_, i) => parts.slice(0, i).reduce((sum, { size }) => sum + size, 0));
  return {
    name,
    size: parts.reduce((sum, { size }) => sum + size, 0),
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (const [i, part] of parts.entries()) {
        const from = Math.max(offset, starts[i]!);
        const to = Math.min(offset + length, starts[i]! + part.size);
        if (from < to) bytes.set(await part.read(from - starts[i]!, to - from), from - offset);
      }
      return bytes;
    },
    async close() {
      for (const part of parts) await part.close();
    },
  };
}

/**
 * The file at `file`, or its parts `file`.aa, .ab, … where only those are there.
 *
 * Throws what fileSource does, and FILE_PARTS where a part between others is missing.
 */
export async function fileOrPartsSource(file: string): Promise<ByteSource> {
  const parts = await partsOf(file);
  if (parts.length === 0) return fileSource(file);
  const sources: ByteSource[] = [];
  try {
    for (const part of parts) sources.push(await fileSource(part));
  } catch (error) {
    for (const source of sources) await source.close();
    throw error;
  }
  return joinedSource(file, sources);
}

/** Whether fileOrPartsSource finds anything. */
export async function hasFileOrParts(file: string): Promise<boolean> {
  return (await exists(file)) || (await partsOf(file)).length > 0;
}

/** Paths of the parts in order; none where the file itself is there. */
async function partsOf(file: string): Promise<readonly string[]> {
  if (await exists(file)) return [];
  const [folder, name] = [path.dirname(file), path.basename(file)];
  const entries: readonly string[] = await fs.readdir(folder).catch(() => []);
  const endings = entries
    .filter((entry) => entry.startsWith(`${name}.`) && /^[a-z]{2}$/.test(entry.slice(name.length + 1)))
    .map((entry) => entry.slice(name.length + 1))
    .sort();
  endings.forEach((ending, i) => {
    const expected = letters(i);
    if (ending === expected) return;
    throw new TensorFileError(
      'FILE_PARTS',
      file,
      `has the part .${ending} but no .${expected}; all parts must be there, from .aa on. Fetch the missing one.`,
    );
  });
  return endings.map((ending) => path.join(folder, `${name}.${ending}`));
}

/** What `split` calls its parts: aa, ab, …, az, ba, … */
const letters = (index: number): string => String.fromCharCode(97 + Math.floor(index / 26), 97 + (index % 26));

const exists = (file: string): Promise<boolean> =>
  fs.stat(file).then(
    () => true,
    () => false,
  );
