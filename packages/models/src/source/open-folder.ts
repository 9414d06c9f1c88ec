/** A Hugging Face folder: config.json, generation_config.json, tokenizer.json, safetensors. */
import { openSafetensorsFolder } from '@loran/formats';
import { join } from 'node:path';
import { readJson } from '../folder/read-json.js';
import { ModelError } from '../model-error.js';
import type { ModelSource } from '../model-family.js';
import { loadTokenizer } from '../tokenizer/load-tokenizer.js';

/** Throws MODEL_NOT_FOUND, INVALID_MODEL_CONFIG, TOKENIZER_NOT_FOUND, INVALID_TOKENIZER, and what openSafetensorsFolder throws. */
export async function openFolder(folder: string): Promise<ModelSource> {
  const config = await readJson(folder, 'config.json');
  if (config === undefined) {
    throw new ModelError('MODEL_NOT_FOUND', `${folder} has no config.json. Is it the folder of a model?`);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new ModelError('INVALID_MODEL_CONFIG', `${folder}/config.json does not hold a JSON object.`);
  }
  const generation = await readJson(folder, 'generation_config.json');
  const tokenizer = await loadTokenizer(folder);
  return {
    name: folder,
    config: config as Record<string, unknown>,
    ...(typeof generation === 'object' && generation !== null
      ? { generation: generation as Record<string, unknown> }
      : {}),
    weights: await openSafetensorsFolder(folder),
    tokenizer,
    ...(await sentenceFiles(folder)),
  };
}

/** Of sentence-transformers: modules.json, the file beside its Pooling, which stands in a folder named there, and the settings. */
async function sentenceFiles(folder: string): Promise<Pick<ModelSource, 'sentence'>> {
  const modules = await readJson(folder, 'modules.json');
  if (modules === undefined) return {};
  const listed = Array.isArray(modules) ? (modules as ({ type?: unknown; path?: unknown } | null)[]) : [];
  const path = listed.find((module) => String(module?.type).endsWith('.Pooling'))?.path;
  const inside = typeof path === 'string' && /^[\w-][\w.-]*$/.test(path); // a name, not a way out of the folder
  const pooling = inside ? await readJson(folder, join(path, 'config.json')) : undefined;
  return { sentence: { modules, pooling, settings: await readJson(folder, 'sentence_bert_config.json') } };
}
