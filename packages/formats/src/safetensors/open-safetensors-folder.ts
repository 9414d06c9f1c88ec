/**
 * The weights of a Hugging Face folder: one `model.safetensors`, or shards named by `model.safetensors.index.json`:
 *
 *   { "metadata": { … }, "weight_map": { tensor name: file name } }
 */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { fileSource } from '../byte-source.js';
import type { Dtype } from '../tensor-bytes.js';
import { TensorFileError } from '../tensor-file-error.js';
import type { TensorFile, TensorInfo } from '../tensor-file.js';
import { duplicateKey } from './duplicate-key.js';
import { openSafetensors } from './open-safetensors.js';
import { tensorNotFound } from '../tensor-not-found.js';

const largestIndex = 100_000_000; // bytes, as for a header

/**
 * Opens the weights of a folder as if they were one file. A single file is preferred to an index, as transformers does.
 * `stem`: the files' name without its ending, 'model' by default.
 *
 * Throws FILE_NOT_FOUND when the folder has neither, SAFETENSORS_INDEX when the index and its shards disagree, and what
 * `openSafetensors` throws.
 */
export async function openSafetensorsFolder(folder: string, stem = 'model'): Promise<TensorFile<Dtype>> {
  const entries = await fs.readdir(folder).catch((cause: unknown) => {
    throw new TensorFileError(
      'FILE_NOT_FOUND',
      folder,
      `is not a folder that can be read (${(cause as NodeJS.ErrnoException).code}).`,
      { cause },
    );
  });
  const single = `${stem}.safetensors`;
  const index = `${stem}.safetensors.index.json`;
  if (entries.includes(single)) return openSafetensors(join(folder, single));
  if (entries.includes(index)) return openShards(folder, index);
  const pickled = entries.find((entry) => /\.(bin|pt|pth)$/.test(entry));
  throw new TensorFileError(
    'FILE_NOT_FOUND',
    folder,
    `has neither ${single} nor ${index}. ${
      pickled === undefined
        ? 'Is it the folder of a model?'
        : `It has ${pickled}: save the model as safetensors (save_pretrained does).`
    }`,
  );
}

async function openShards(folder: string, index: string): Promise<TensorFile<Dtype>> {
  const path = join(folder, index);
  const weightMap = await readWeightMap(path);
  const shards = new Map<string, TensorFile<Dtype>>();
  try {
    for (const file of new Set(weightMap.values())) shards.set(file, await openSafetensors(join(folder, file)));
    return shardedFile(folder, path, weightMap, shards);
  } catch (error) {
    await closeAll(shards);
    throw error;
  }
}

async function closeAll(shards: ReadonlyMap<string, TensorFile>): Promise<void> {
  for (const shard of shards.values()) await shard.close();
}

function shardedFile(
  folder: string,
  path: string,
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, TensorFile<Dtype>>,
): TensorFile<Dtype> {
  const tensors = new Map<string, TensorInfo<Dtype>>();
  const owner = new Map<string, TensorFile<Dtype>>();
  for (const [name, file] of weightMap) {
    const shard = shards.get(file);
    const info = shard?.tensors.get(name);
    if (shard === undefined || info === undefined) {
      throw new TensorFileError(
        'SAFETENSORS_INDEX',
        path,
        `says that tensor ${JSON.stringify(name)} is in ${file}, but it is not. The shards belong to another model, or one is missing parts.`,
      );
    }
    tensors.set(name, info);
    owner.set(name, shard);
  }
  const find = (name: string): TensorFile<Dtype> => {
    const shard = owner.get(name);
    if (shard === undefined) throw tensorNotFound(folder, name, tensors.keys());
    return shard;
  };
  return {
    name: folder,
    tensors,
    metadata: new Map([...shards.values()].flatMap((shard) => [...shard.metadata])),
    read: async (name) => find(name).read(name),
    async *values(name) {
      yield* find(name).values(name);
    },
    close: () => closeAll(shards),
    async reopen() {
      const again = new Map<string, TensorFile<Dtype>>();
      try {
        for (const [file, shard] of shards) again.set(file, (await shard.reopen?.()) ?? shard);
        return shardedFile(folder, path, weightMap, again);
      } catch (error) {
        await closeAll(again);
        throw error;
      }
    },
  };
}

async function readWeightMap(path: string): Promise<ReadonlyMap<string, string>> {
  const source = await fileSource(path);
  let text: string;
  try {
    if (source.size > largestIndex) {
      throw new TensorFileError(
        'SAFETENSORS_INDEX',
        path,
        `has ${source.size} bytes; at most ${largestIndex} are allowed.`,
      );
    }
    text = new TextDecoder().decode(await source.read(0, source.size));
  } finally {
    await source.close();
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new TensorFileError('SAFETENSORS_INDEX', path, `is not valid JSON (${(cause as Error).message}).`, { cause });
  }
  const map = (parsed as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new TensorFileError('SAFETENSORS_INDEX', path, 'has no "weight_map" object of tensor names and file names.');
  }
  const twice = duplicateKey(text);
  if (twice !== undefined)
    throw new TensorFileError('SAFETENSORS_INDEX', path, `holds the key ${JSON.stringify(twice)} twice.`);
  const weightMap = new Map<string, string>();
  for (const [name, file] of Object.entries(map)) {
    // a plain file name only: an index from outside must not reach out of its folder
    if (typeof file !== 'string' || !/^[^/\\:\0]+\.safetensors$/.test(file)) {
      throw new TensorFileError(
        'SAFETENSORS_INDEX',
        path,
        `tensor ${JSON.stringify(name)} is in ${JSON.stringify(file)}; expected the plain name of a .safetensors file in the same folder.`,
      );
    }
    weightMap.set(name, file);
  }
  return weightMap;
}
