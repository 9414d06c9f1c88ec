/** Which kind of model a path is: a Hugging Face folder, or a GGUF file or llama2.c checkpoint, alone or in a folder. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from '../model-error.js';
import type { ModelSource } from '../model-family.js';
import { openGgufSource } from './gguf/open-gguf-source.js';
import { openLlama2cSource } from './llama2c/open-llama2c-source.js';
import { openFolder } from './open-folder.js';

/**
 * Opens a model's files without reading its weights: a Hugging Face folder, a .gguf file, a llama2.c checkpoint (.bin), or a
 * folder with one of those and no safetensors. The caller closes `weights`.
 *
 * Throws MODEL_NOT_FOUND, INVALID_MODEL_CONFIG, UNKNOWN_MODEL_FAMILY, TOKENIZER_NOT_FOUND, INVALID_TOKENIZER, and what
 * @loran/formats throws.
 */
export async function openModel(path: string): Promise<ModelSource> {
  const stat = await fs.stat(path).catch(() => undefined);
  if (stat?.isFile() === true) return openFile(path);
  if (stat?.isDirectory() !== true) return openFolder(path); // which says that it is not there
  const entries = await fs.readdir(path);
  if (entries.some((entry) => entry.endsWith('.safetensors') || entry.endsWith('.safetensors.index.json'))) {
    return openFolder(path);
  }
  const files = entries.filter((entry) => entry.endsWith('.gguf'));
  // a folder of transformers may hold pytorch_model.bin, which its config.json tells from a checkpoint of llama2.c
  const found = files.length > 0 || entries.includes('config.json') ? files : entries.filter(isLlama2c);
  const [file] = found;
  if (file === undefined) return openFolder(path);
  if (found.length === 1) return openFile(join(path, file));
  throw new ModelError(
    'MODEL_NOT_FOUND',
    `${path} has ${found.length} models: ${found.sort().join(', ')}. Give the path of one of them.`,
  );
}

const isLlama2c = (name: string): boolean => name.endsWith('.bin') && !name.startsWith('tok');

async function openFile(path: string): Promise<ModelSource> {
  if (/\.gguf$/i.test(path)) return openGgufSource(path);
  if (/\.bin$/i.test(path)) return openLlama2cSource(path);
  throw new ModelError(
    'MODEL_NOT_FOUND',
    `${path} is a file of an unknown kind. Give a .gguf file, a .bin of llama2.c, or the folder that holds config.json, tokenizer.json and model.safetensors.`,
  );
}
