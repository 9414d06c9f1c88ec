/** Reads a GGUF file over byte ranges: the header at once, each tensor when it is asked for. */
import { fileSource, type ByteSource } from '../byte-source.js';
import type { TensorFile } from '../tensor-file.js';
import { tensorReader } from '../tensor-reader.js';
import type { GgufType } from './gguf-type.js';
import type { GgufValue } from './gguf-value.js';
import { readGgufHeader } from './header.js';

/** Shapes are row-major, so ggml's sizes in reverse: a linear layer is [out, in]. Names are the file's own. */
export interface GgufFile extends TensorFile<GgufType> {
  /** Of the format: 2 or 3. */
  readonly version: number;
  /** The metadata with their types; `metadata` has those that are strings. */
  readonly fields: ReadonlyMap<string, GgufValue>;
}

/**
 * Opens a GGUF file, or any source of its bytes, and checks the whole header. The file stays open until `close()`.
 * `values()` dequantises in runs; `read()` gives the blocks as they are.
 *
 * Throws FILE_NOT_FOUND, FILE_UNREADABLE, GGUF_HEADER, _VERSION, _SPLIT, _TRUNCATED, _TYPE, _SHAPE, _OFFSETS.
 */
export async function openGguf(file: string | ByteSource): Promise<GgufFile> {
  const source = typeof file === 'string' ? await fileSource(file) : file;
  try {
    const { version, fields, tensors } = await readGgufHeader(source);
    const metadata = new Map<string, string>();
    for (const [key, { type, value }] of fields) if (type === 'string') metadata.set(key, value);
    return { ...tensorReader(source, tensors, metadata), version, fields };
  } catch (error) {
    await source.close();
    throw error;
  }
}
