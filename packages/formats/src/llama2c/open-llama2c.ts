/**
 * The checkpoints of karpathy's llama2.c, version 0: a small Llama in one file of fp32.
 *
 *   7 × int32   dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size (negative: the head is no copy of the embedding), seq_len
 *   fp32        token_embedding; for all layers rms_att, then wq, wk, wv, wo, rms_ffn, w1, w2, w3; rms_final;
 *               freq_cis_real, freq_cis_imag (rotary tables, no longer used); wcls if it is no copy
 *
 * The file has no magic number, so its size must be what the header makes of it. Source: llama2.c, run.c and export.py.
 */
import { fileSource, type ByteSource } from '../byte-source.js';
import { mistakenFile } from '../mistaken-file.js';
import { sizeOf } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import type { TensorFile } from '../tensor-file.js';
import { tensorReader, type StoredTensor } from '../tensor-reader.js';

export interface Llama2cHeader {
  readonly width: number;
  readonly hiddenWidth: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly vocabularySize: number;
  readonly sequenceLength: number;
  /** The head is the embedding; there is no tensor `wcls` then. */
  readonly tied: boolean;
}

/** Tensors are named as in the list above, those of a layer `layers.0.wq`; linear layers are [out, in]. */
export interface Llama2cFile extends TensorFile<'F32'> {
  readonly header: Llama2cHeader;
}

const headerBytes = 28;
const laterMagic = 0x616b3432; // "ak42", which versions 1 and 2 begin with

/**
 * Opens a llama2.c checkpoint, or any source of its bytes. The file stays open until `close()`.
 *
 * Throws FILE_NOT_FOUND, FILE_UNREADABLE, LLAMA2C_HEADER (sizes that no model has, or a later version), LLAMA2C_SIZE (more or
 * fewer bytes than the header says).
 */
export async function openLlama2c(file: string | ByteSource): Promise<Llama2cFile> {
  const source = typeof file === 'string' ? await fileSource(file) : file;
  try {
    const header = await readHeader(source);
    return { ...tensorReader(source, place(shapes(header)), new Map()), header };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function readHeader(source: ByteSource): Promise<Llama2cHeader> {
  const { name: file, size } = source;
  if (size < headerBytes) {
    throw new TensorFileError(
      'LLAMA2C_SIZE',
      file,
      `has ${size} bytes; a llama2.c checkpoint begins with ${headerBytes} bytes of sizes. Fetch it again.`,
    );
  }
  const bytes = await source.read(0, headerBytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [dim, hidden, layers, heads, kvHeads, vocabulary, length] = Array.from({ length: 7 }, (_, i) =>
    view.getInt32(4 * i, true),
  ) as [number, number, number, number, number, number, number];
  if (dim === laterMagic) {
    throw new TensorFileError(
      'LLAMA2C_HEADER',
      file,
      'is a llama2.c checkpoint of version 1 or later; version 0 is read. Export it with `--version 0`.',
    );
  }
  const sizes = { dim, hidden_dim: hidden, n_layers: layers, n_heads: heads, n_kv_heads: kvHeads, seq_len: length };
  const wrong = Object.entries({ ...sizes, vocab_size: Math.abs(vocabulary) }).find(([, n]) => n <= 0);
  const complaint =
    wrong !== undefined
      ? `${wrong[0]} is ${wrong[1]}; expected a positive number`
      : dim % (2 * heads) !== 0
        ? `dim ${dim} does not divide into ${heads} heads of an even size`
        : heads % kvHeads !== 0
          ? `n_heads ${heads} is no multiple of n_kv_heads ${kvHeads}`
          : undefined;
  if (complaint !== undefined) {
    throw new TensorFileError(
      'LLAMA2C_HEADER',
      file,
      `${complaint}. ${mistakenFile(bytes.subarray(0, 8), 'llama2.c')}`,
    );
  }
  const header = {
    width: dim,
    hiddenWidth: hidden,
    layers,
    heads,
    keyValueHeads: kvHeads,
    vocabularySize: Math.abs(vocabulary),
    sequenceLength: length,
    tied: vocabulary > 0,
  };
  const expected = totalBytes(header);
  if (expected !== size) {
    throw new TensorFileError(
      'LLAMA2C_SIZE',
      file,
      `has ${size} bytes, but its sizes (${Object.entries(sizes)
        .map(([name, n]) => `${name} ${n}`)
        .join(', ')}, vocab_size ${vocabulary}) make ${expected}. ${mistakenFile(bytes.subarray(0, 8), 'llama2.c')}`,
    );
  }
  return header;
}

type Group = readonly [name: string, shape: readonly number[], repeated?: 'layers'];

/** The tensors in the file's order; those of layers stand together, layer by layer. */
function groups({
  width,
  hiddenWidth,
  heads,
  keyValueHeads,
  vocabularySize,
  sequenceLength,
  tied,
}: Llama2cHeader): Group[] {
  const headSize = width / heads;
  return [
    ['token_embedding', [vocabularySize, width]],
    ['rms_att', [width], 'layers'],
    ['wq', [width, width], 'layers'],
    ['wk', [keyValueHeads * headSize, width], 'layers'],
    ['wv', [keyValueHeads * headSize, width], 'layers'],
    ['wo', [width, width], 'layers'],
    ['rms_ffn', [width], 'layers'],
    ['w1', [hiddenWidth, width], 'layers'],
    ['w2', [width, hiddenWidth], 'layers'],
    ['w3', [hiddenWidth, width], 'layers'],
    ['rms_final', [width]],
    ['freq_cis_real', [sequenceLength, headSize / 2]],
    ['freq_cis_imag', [sequenceLength, headSize / 2]],
    ...(tied ? [] : [['wcls', [vocabularySize, width]] as const]),
  ];
}

/** Before any tensor is listed, so that a count of layers that lies takes no memory. */
function totalBytes(header: Llama2cHeader): number {
  return groups(header).reduce(
    (bytes, [, shape, repeated]) => bytes + sizeOf(shape, 'F32') * (repeated === 'layers' ? header.layers : 1),
    headerBytes,
  );
}

function* shapes(header: Llama2cHeader): Generator<[name: string, shape: readonly number[]]> {
  for (const [name, shape, repeated] of groups(header)) {
    if (repeated === undefined) yield [name, shape];
    else for (let layer = 0; layer < header.layers; layer++) yield [`layers.${layer}.${name}`, shape];
  }
}

function place(tensors: Iterable<[name: string, shape: readonly number[]]>): Map<string, StoredTensor<'F32'>> {
  const placed = new Map<string, StoredTensor<'F32'>>();
  let begin = headerBytes;
  for (const [name, shape] of tensors) {
    const byteLength = sizeOf(shape, 'F32');
    placed.set(name, { dtype: 'F32', shape, byteLength, begin });
    begin += byteLength;
  }
  return placed;
}
