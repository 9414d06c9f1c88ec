/**
 * Writes the weights of a Hugging Face folder, named as transformers names them: `model.safetensors` when they fit into one
 * file, else `model-00001-of-00003.safetensors` … and `model.safetensors.index.json`, which says what is where.
 *
 * All files are written before the first takes its place, and older weights of that name are removed last: a failure while
 * writing keeps the old weights, and no reader finds old and new ones side by side afterwards.
 */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFiles, type NewFile } from '../replace-file.js';
import { sizeOf } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import { writeProgress, type WriteProgressOptions } from '../write-progress.js';
import { safetensorsFile, type Entry } from './write-safetensors.js';

export interface FolderOptions extends WriteProgressOptions {
  /** Bytes of tensors in one file, 5 GB by default; a tensor beyond it gets a file of its own. */
  readonly maxShardBytes?: number;
  /** For the `__metadata__` of every file, `{ format: 'pt' }` by default: transformers asks for it. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The files' name without its ending, 'model' by default. */
  readonly stem?: string;
}

/**
 * Writes `tensors` to `folder`, which is made when it is missing; those that give `chunks()` or `values()` are streamed. Returns the names of
 * the files written.
 *
 * Throws INVALID_TENSOR (a name twice, bytes that do not fit the shape, a value beyond F16) and WRITE_FAILED; the old files are kept then.
 */
export async function writeSafetensorsFolder(
  folder: string,
  tensors: Iterable<Entry>,
  { maxShardBytes = 5e9, metadata = { format: 'pt' }, stem = 'model', ...options }: FolderOptions = {},
): Promise<readonly string[]> {
  const entries = [...tensors];
  checkNames(folder, entries);
  const shards = split(entries, maxShardBytes);
  const shardName = (i: number) =>
    shards.length === 1
      ? `${stem}.safetensors`
      : `${stem}-${fiveDigits(i + 1)}-of-${fiveDigits(shards.length)}.safetensors`;
  const names = shards.map((_, i) => shardName(i));
  const progress = writeProgress(entries, options);
  const files: NewFile[] = shards.map((shard, i) =>
    safetensorsFile(join(folder, shardName(i)), shard, metadata, progress),
  );
  if (shards.length > 1) {
    const index = `${stem}.safetensors.index.json`;
    names.push(index);
    files.push({
      path: join(folder, index),
      produce: (write) => write(Buffer.from(indexJson(shards, shardName))),
    });
  }
  await makeFolder(folder);
  await replaceFiles(files);
  await removeOthers(folder, stem, new Set(names));
  return names;
}

/** In the order given, a shard ends before the tensor that would take it beyond the limit: the rule of huggingface_hub. */
function split(entries: readonly Entry[], limit: number): readonly (readonly Entry[])[] {
  const shards: Entry[][] = [];
  let current: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = sizeOf(entry[1].shape, entry[1].dtype);
    if (size > limit) {
      shards.push([entry]);
      continue;
    }
    if (bytes + size > limit) {
      shards.push(current);
      current = [];
      bytes = 0;
    }
    current.push(entry);
    bytes += size;
  }
  if (current.length > 0 || shards.length === 0) shards.push(current);
  return shards;
}

/** Keys in the order of their code points, as Python sorts them. */
function indexJson(shards: readonly (readonly Entry[])[], shardName: (i: number) => string): string {
  const owners = shards.flatMap((shard, i) => shard.map(([name]) => [name, shardName(i)] as const));
  owners.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const total_size = shards.flat().reduce((bytes, [, { shape, dtype }]) => bytes + sizeOf(shape, dtype), 0);
  return `${JSON.stringify({ metadata: { total_size }, weight_map: Object.fromEntries(owners) }, undefined, 2)}\n`;
}

function checkNames(folder: string, entries: readonly Entry[]): void {
  const names = new Set<string>();
  for (const [name] of entries) {
    if (names.has(name)) {
      throw new TensorFileError(
        'INVALID_TENSOR',
        folder,
        `the name ${JSON.stringify(name)} is given twice; each tensor needs its own.`,
      );
    }
    names.add(name);
  }
}

async function makeFolder(folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new TensorFileError('WRITE_FAILED', folder, `cannot be made a folder (${code}); choose another place.`, {
      cause,
    });
  });
}

/** Weights of the same name that stood there before: a single file, an index, shards of another number. */
async function removeOthers(folder: string, stem: string, written: ReadonlySet<string>): Promise<void> {
  for (const entry of await fs.readdir(folder)) {
    const rest = entry.startsWith(stem) ? entry.slice(stem.length) : '';
    if (written.has(entry) || !/^(-\d{5}-of-\d{5})?\.safetensors$|^\.safetensors\.index\.json$/.test(rest)) continue;
    await fs.rm(join(folder, entry), { force: true }).catch((cause: unknown) => {
      throw new TensorFileError(
        'WRITE_FAILED',
        join(folder, entry),
        `belongs to the weights that were replaced and could not be removed (${(cause as NodeJS.ErrnoException).code}); the new ones are in place, so remove it.`,
        { cause },
      );
    });
  }
}

const fiveDigits = (n: number): string => String(n).padStart(5, '0');
