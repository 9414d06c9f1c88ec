/**
 * The vocabularies of karpathy's llama2.c.
 *
 *   int32   length in bytes of the longest token
 *   tokens  until the end: score (fp32), length in bytes (int32), UTF-8
 *
 * Tokens stand as they are to be printed, so a space for SentencePiece's mark; single bytes are written <0x0A>.
 * Source: llama2.c, tokenizer.py.
 */
import { TensorFileError } from '../tensor-file-error.js';

export interface Llama2cTokenizer {
  /** By id. */
  readonly tokens: readonly string[];
  /** By id: of two merges, that with the higher score comes first. */
  readonly scores: Float32Array;
}

/** Reads a vocabulary from its whole bytes. `file`: its name in errors. Throws LLAMA2C_TOKENIZER. */
export function readLlama2cTokenizer(bytes: Uint8Array, file = 'tokenizer.bin'): Llama2cTokenizer {
  const refuse = (complaint: string, cause?: unknown) =>
    new TensorFileError('LLAMA2C_TOKENIZER', file, `${complaint}. Is it a whole tokenizer.bin of llama2.c?`, { cause });
  if (bytes.length < 4) throw refuse(`has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const longest = view.getInt32(0, true);
  const tokens: string[] = [];
  const scores: number[] = [];
  for (let at = 4; at < bytes.length;) {
    const token = `token ${tokens.length} at byte ${at}`;
    if (at + 8 > bytes.length) throw refuse(`${token} is cut off`);
    const score = view.getFloat32(at, true);
    const length = view.getInt32(at + 4, true);
    if (Number.isNaN(score)) throw refuse(`${token} has no number for a score`);
    if (length < 0 || length > longest)
      throw refuse(`${token} claims ${length} bytes, and the longest token ${longest}`);
    if (at + 8 + length > bytes.length) throw refuse(`${token} claims ${length} bytes, more than are left`);
    try {
      tokens.push(utf8.decode(bytes.subarray(at + 8, at + 8 + length)));
    } catch (cause) {
      throw refuse(`${token} is not UTF-8`, cause);
    }
    scores.push(score);
    at += 8 + length;
  }
  return { tokens, scores: Float32Array.from(scores) };
}
