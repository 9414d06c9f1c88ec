/** Which kind of model a path is: a Hugging Face folder, or a GGUF file, alone or in a folder. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from '../model-error.js';
import type { ModelSource } from '../model-family.js';
import { openGgufSource } from './gguf/open-gguf-source.js';
import { openFolder } from './open-folder.js';

/**
 * Opens a model's files without reading its weights: a Hugging Face folder, a .gguf file, or a folder with one of those and no
 * safetensors. The caller closes `weights`.
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
  const files = entries.filter((entry) => entry.endsWith('.gguf')).sort();
  const [file] = files;
  if (file === undefined) return openFolder(path);
  if (files.length === 1) return openGgufSource(join(path, file));
  throw new ModelError(
    'MODEL_NOT_FOUND',
    `${path} has ${files.length} GGUF files: ${files.join(', ')}. Give the path of one of them.`,
  );
}

async function openFile(path: string): Promise<ModelSource> {
  if (/\.gguf$/i.test(path)) return openGgufSource(path);
  throw new ModelError(
    'MODEL_NOT_FOUND',
    `${path} is a file, but not a .gguf one. Give a GGUF file, or the folder that holds config.json, tokenizer.json and model.safetensors.`,
  );
}
