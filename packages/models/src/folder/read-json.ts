import fs from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from '../model-error.js';

const largest = 1 << 28; // bytes: eight times the largest tokenizer.json there is

/** A JSON file of a model folder; `undefined` when there is none. Throws MODEL_NOT_FOUND when the folder is missing. */
export async function readJson(folder: string, name: string): Promise<unknown> {
  const path = join(folder, name);
  const size = (await fs.stat(path).catch(() => undefined))?.size ?? 0;
  if (size > largest) {
    throw new ModelError(
      'INVALID_MODEL_CONFIG',
      `${path} has ${size} bytes; at most ${largest} are read. Is it the JSON file of a model?`,
    );
  }
  let text: string;
  try {
    text = await fs.readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' && (await isFolder(folder))) return undefined;
    throw new ModelError(
      'MODEL_NOT_FOUND',
      (await isFolder(folder))
        ? `${path} cannot be read (${(cause as NodeJS.ErrnoException).code}).`
        : `There is no model folder '${folder}'. Give the path of a folder with config.json, tokenizer.json and model.safetensors.`,
      { cause },
    );
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ModelError('INVALID_MODEL_CONFIG', `${path} is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
}

const isFolder = async (path: string): Promise<boolean> =>
  (await fs.stat(path).catch(() => undefined))?.isDirectory() ?? false;
