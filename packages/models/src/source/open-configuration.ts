/** A model known by its configuration alone: enough to build it, with zeros for weights, and to say what training it takes. */
import fs from 'node:fs/promises';
import { readJson } from '../folder/read-json.js';
import { ModelError } from '../model-error.js';
import type { ModelSource } from '../model-family.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { AbsentWeights } from './absent-weights.js';
import { fetchModel, type ModelDownload } from './fetch-model.js';
import { openModel } from './open-source.js';

/**
 * The configuration of a folder's config.json, of a GGUF file's or llama2.c checkpoint's head, or of a repository of the hub, of which
 * config.json alone is fetched. Its `weights` are absent and its tokenizer knows no text.
 *
 * Throws MODEL_NOT_FOUND, INVALID_MODEL_CONFIG, and what the readers of those files and @loran/hub throw.
 */
export async function openConfiguration(model: string, download: ModelDownload = {}): Promise<ModelSource> {
  const isFile = /\.(?:gguf|bin)$/i.test(model);
  const { path } = await fetchModel(model, download, isFile ? undefined : ['config.json']);
  const config = isFile || !(await isFolder(path)) ? undefined : await readJson(path, 'config.json');
  if (config === undefined) return openHead(path);
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new ModelError('INVALID_MODEL_CONFIG', `${path}/config.json does not hold a JSON object.`);
  }
  return absent(model, config as Record<string, unknown>);
}

async function openHead(path: string): Promise<ModelSource> {
  const { name, config, weights } = await openModel(path);
  await weights.close();
  return absent(name, config);
}

const absent = (name: string, config: ModelSource['config']): ModelSource => ({
  name,
  config,
  weights: new AbsentWeights(name),
  tokenizer: noTokenizer,
});

const noText = (): never => {
  throw new ModelError('TOKENIZER_NOT_FOUND', 'This model was opened by its configuration alone and reads no text.');
};

const noTokenizer: Tokenizer = {
  encode: noText,
  decode: noText,
  textStream: noText,
  applyChatTemplate: noText,
  chatTemplates: [],
  before: [],
  after: [],
  bosId: undefined,
  eosId: undefined,
  unkId: undefined,
  padId: 0,
  specialIds: new Set(),
  vocabularySize: 0,
};

const isFolder = (path: string): Promise<boolean> =>
  fs.stat(path).then(
    (stat) => stat.isDirectory(),
    () => false,
  );
