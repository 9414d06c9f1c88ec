/** Opens what a user points at: so far a Hugging Face folder. */
import { openSafetensorsFolder } from '@loran/formats';
import type { Registry } from '@loran/plugin';
import { readJson } from './folder/read-json.js';
import type { LanguageModel, LanguageModelOptions } from './language-model.js';
import { ModelError } from './model-error.js';
import { familyOf, modelFamilies } from './model-families.js';
import type { ModelFamily, ModelSource } from './model-family.js';
import type { SequenceClassifier, SequenceClassifierOptions } from './sequence-classifier.js';
import { loadTokenizer } from './tokenizer/load-tokenizer.js';

export interface Families {
  /** The model families to choose from; default those shipped here. */
  readonly families?: Registry<ModelFamily>;
}

/**
 * A sequence classifier from a Hugging Face folder (config.json, tokenizer.json, safetensors in F32, F16, BF16 or F64, one
 * file or shards).
 *
 * Throws MODEL_NOT_FOUND, INVALID_MODEL_CONFIG, UNKNOWN_MODEL_FAMILY, UNSUPPORTED_TASK, TOKENIZER_NOT_FOUND,
 * INVALID_TOKENIZER, MISSING_WEIGHTS, WEIGHT_SHAPES, INVALID_LABELS, and what @loran/formats throws about the weights.
 */
export function loadSequenceClassifier(
  model: string,
  { families = modelFamilies(), ...options }: SequenceClassifierOptions & Families = {},
): Promise<SequenceClassifier> {
  return load(model, families, 'sequenceClassifier', 'classify texts', options);
}

/** A causal language model from the same. Throws the same errors but INVALID_LABELS. */
export function loadLanguageModel(
  model: string,
  { families = modelFamilies(), ...options }: LanguageModelOptions & Families = {},
): Promise<LanguageModel> {
  return load(model, families, 'languageModel', 'continue texts', options);
}

type Task = 'sequenceClassifier' | 'languageModel';
type OptionsOf<T extends Task> = Parameters<NonNullable<ModelFamily[T]>>[1];
type ModelOf<T extends Task> = ReturnType<NonNullable<ModelFamily[T]>>;

async function load<T extends Task>(
  model: string,
  families: Registry<ModelFamily>,
  task: T,
  does: string,
  options: OptionsOf<T>,
): Promise<Awaited<ModelOf<T>>> {
  const source = await openFolder(model);
  try {
    const family = familyOf(model, source.config, families);
    const make = family[task] as ((source: ModelSource, options: OptionsOf<T>) => ModelOf<T>) | undefined;
    if (make === undefined) {
      const able = families.list().filter((known) => known[task] !== undefined);
      throw new ModelError(
        'UNSUPPORTED_TASK',
        `${model} is a ${family.name} model, which cannot ${does} here. Families that can: ${able.map(({ name }) => name).join(', ') || 'none'}.`,
      );
    }
    return await make.call(family, source, options);
  } finally {
    await source.weights.close();
  }
}

async function openFolder(folder: string): Promise<ModelSource> {
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
  };
}
