/** The model families known, and which of them a config.json asks for. */
import { Registry } from '@loran/plugin';
import { bert } from './bert/bert.js';
import { distilbert } from './distilbert/distilbert.js';
import { falcon } from './falcon/falcon.js';
import { gemma2, gemma3 } from './gemma/gemma.js';
import { gpt2 } from './gpt2/gpt2.js';
import { llama, mistral, qwen2, qwen3 } from './llama/llama.js';
import { ModelError } from './model-error.js';
import type { ModelFamily } from './model-family.js';
import { roberta } from './roberta/roberta.js';
import { t5 } from './t5/t5.js';

/** A new registry of the families shipped here; add your own with `add`. */
export function modelFamilies(): Registry<ModelFamily> {
  return new Registry<ModelFamily>('model-family', [
    bert,
    roberta,
    distilbert,
    llama,
    mistral,
    qwen2,
    qwen3,
    gemma2,
    gemma3,
    gpt2,
    falcon,
    t5,
  ]);
}

/** The family that understands this config.json. Throws UNKNOWN_MODEL_FAMILY, which lists the known. */
export function familyOf(
  name: string,
  config: Readonly<Record<string, unknown>>,
  families: Registry<ModelFamily>,
): ModelFamily {
  const { model_type: modelType, architectures } = config;
  const named = Array.isArray(architectures) ? architectures : [];
  const found =
    families.list().find((family) => family.modelTypes.some((known) => known === modelType)) ??
    families.list().find((family) => family.architectures.some((known) => named.includes(known)));
  if (found !== undefined) return found;
  const known = families.list().map(({ name, modelTypes }) => `${name} (${modelTypes.join(', ')})`);
  throw new ModelError(
    'UNKNOWN_MODEL_FAMILY',
    `${name}: config.json describes model_type ${JSON.stringify(modelType)}, architectures ${JSON.stringify(architectures)}. ` +
      `Known families: ${known.join('; ') || 'none'}. Another one is a plugin of kind 'model-family' (--plugin FILE); docs/how-to/add-a-model-family.md shows how to write it.`,
  );
}
