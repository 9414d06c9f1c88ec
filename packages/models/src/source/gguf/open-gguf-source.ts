/** A GGUF file as a model in Hugging Face's terms. */
import { dirname } from 'node:path';
import { openGguf } from '@loran/formats';
import { readTemplates } from '../../chat/read-templates.js';
import { readJson } from '../../folder/read-json.js';
import { ModelError } from '../../model-error.js';
import type { ModelSource } from '../../model-family.js';
import { buildTokenizer } from '../../tokenizer/build-tokenizer.js';
import { isFields } from '../../tokenizer/check-description.js';
import { readTokenizerFiles } from '../../tokenizer/load-tokenizer.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import type { GgufArchitecture } from './gguf-architecture.js';
import { ggufArchitectureOf } from './gguf-architectures.js';
import { ggufConfig, ggufGeneration } from './gguf-config.js';
import { GgufFields } from './gguf-fields.js';
import { ggufTemplates, ggufTokenizerFiles } from './gguf-tokenizer.js';
import { ggufWeights } from './gguf-weights.js';

/**
 * config.json and tokenizer.json beside the file are preferred to what it says itself, field by field and whole.
 *
 * Throws UNKNOWN_MODEL_FAMILY, INVALID_MODEL_CONFIG, MISSING_WEIGHTS, TOKENIZER_NOT_FOUND, INVALID_TOKENIZER, and what openGguf
 * throws.
 */
export async function openGgufSource(path: string): Promise<ModelSource> {
  const file = await openGguf(path);
  try {
    const fields = new GgufFields(file);
    const architecture = ggufArchitectureOf(fields);
    const own = await ggufConfig(fields, architecture);
    const config = { ...own, ...(await configBeside(path, own, architecture)) };
    return {
      name: path,
      config,
      generation: { ...ggufGeneration(fields), ...(await objectBeside(path, 'generation_config.json')) },
      weights: ggufWeights(fields, architecture, config),
      tokenizer: await tokenizerOf(path, fields),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** tokenizer.json beside the file, else what is in it; the chat templates of both. */
async function tokenizerOf(path: string, fields: GgufFields): Promise<Tokenizer> {
  const folder = dirname(path);
  const files = (await readTokenizerFiles(folder)) ?? ggufTokenizerFiles(fields);
  if (files === undefined) {
    throw new ModelError(
      'TOKENIZER_NOT_FOUND',
      `${path} holds no tokenizer. Put the model's tokenizer.json beside it.`,
    );
  }
  const templates = new Map([...ggufTemplates(fields), ...(await readTemplates(folder, files.config))]);
  return buildTokenizer({ ...files, templates });
}

async function objectBeside(path: string, name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const found = await readJson(dirname(path), name);
  return isFields(found) ? found : undefined;
}

const sizes = [
  'hidden_size',
  'num_hidden_layers',
  'num_attention_heads',
  'num_key_value_heads',
  'head_dim',
  'vocab_size',
];
const rope = ['rope_theta', 'rope_scaling', 'rope_parameters'];

/** Files on the hub often stand beside a config.json of no more than a `model_type`. Throws INVALID_MODEL_CONFIG if it is another model's. */
async function configBeside(
  path: string,
  own: Record<string, unknown>,
  { modelTypes }: GgufArchitecture,
): Promise<Record<string, unknown>> {
  const folder = dirname(path);
  const beside = await objectBeside(path, 'config.json');
  if (beside === undefined) return {};
  const { model_type: modelType = modelTypes[0] } = beside;
  const known = modelTypes.some((type) => type === modelType);
  const differing = known
    ? sizes.find((size) => beside[size] != null && own[size] !== undefined && beside[size] !== own[size])
    : 'model_type';
  if (differing !== undefined) {
    throw new ModelError(
      'INVALID_MODEL_CONFIG',
      `${folder}/config.json is another model's than ${path}: its ${differing} is ${JSON.stringify(beside[differing])}, of the GGUF file ${JSON.stringify(own[differing])}. Move the GGUF file to a folder of its own.`,
    );
  }
  const stretches = rope.some((field) => beside[field] != null);
  return { ...(stretches ? Object.fromEntries(rope.map((field) => [field, undefined])) : {}), ...beside };
}
