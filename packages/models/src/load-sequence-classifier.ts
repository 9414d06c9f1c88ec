import { openSafetensorsFolder } from '@loran/formats';
import type { Registry } from '@loran/plugin';
import { readJson } from './folder/read-json.js';
import { familyOf, modelFamilies } from './model-families.js';
import { ModelError } from './model-error.js';
import type { ModelFamily } from './model-family.js';
import type { SequenceClassifier, SequenceClassifierOptions } from './sequence-classifier.js';
import { loadTokenizer } from './tokenizer/load-tokenizer.js';

/**
 * A sequence classifier from a Hugging Face folder (config.json, tokenizer.json, safetensors in F32, F16, BF16 or F64, one
 * file or shards). `families`: the model families to choose from; default those shipped here.
 *
 * Throws MODEL_NOT_FOUND, INVALID_MODEL_CONFIG, UNKNOWN_MODEL_FAMILY, TOKENIZER_NOT_FOUND, INVALID_TOKENIZER,
 * MISSING_WEIGHTS, WEIGHT_SHAPES, INVALID_LABELS, and what @loran/formats throws about the weights.
 */
export async function loadSequenceClassifier(
  folder: string,
  {
    families = modelFamilies(),
    ...options
  }: SequenceClassifierOptions & { readonly families?: Registry<ModelFamily> } = {},
): Promise<SequenceClassifier> {
  const config = await readJson(folder, 'config.json');
  if (config === undefined) {
    throw new ModelError('MODEL_NOT_FOUND', `${folder} has no config.json. Is it the folder of a model?`);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new ModelError('INVALID_MODEL_CONFIG', `${folder}/config.json does not hold a JSON object.`);
  }
  const family = familyOf(folder, config as Record<string, unknown>, families);
  const tokenizer = await loadTokenizer(folder);
  const weights = await openSafetensorsFolder(folder);
  try {
    return await family.sequenceClassifier(
      { folder, config: config as Record<string, unknown>, weights, tokenizer },
      options,
    );
  } finally {
    await weights.close();
  }
}
