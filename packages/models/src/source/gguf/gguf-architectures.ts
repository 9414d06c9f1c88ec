/** The architectures of GGUF files that are read, by their `general.architecture`. */
import { listed } from '../../checkpoint/locate-tensors.js';
import { ModelError } from '../../model-error.js';
import { falconArchitecture } from './falcon-architecture.js';
import type { GgufArchitecture } from './gguf-architecture.js';
import type { GgufFields } from './gguf-fields.js';
import { gpt2Architecture } from './gpt2-architecture.js';
import {
  gemma2Architecture,
  gemma3Architecture,
  llamaArchitecture,
  qwen2Architecture,
  qwen3Architecture,
} from './llama-architectures.js';

const architectures: ReadonlyMap<string, GgufArchitecture> = new Map([
  ['llama', llamaArchitecture],
  ['qwen2', qwen2Architecture],
  ['qwen3', qwen3Architecture],
  ['gemma2', gemma2Architecture],
  ['gemma3', gemma3Architecture],
  ['gpt2', gpt2Architecture],
  ['falcon', falconArchitecture],
]);

/** Throws UNKNOWN_MODEL_FAMILY, which lists the known; the same for mixtures of experts. */
export function ggufArchitectureOf(fields: GgufFields): GgufArchitecture {
  const { architecture, file } = fields;
  const found = architectures.get(architecture);
  const experts = fields.numberOr('expert_count') ?? 0;
  if (found !== undefined && experts === 0) return found;
  throw new ModelError(
    'UNKNOWN_MODEL_FAMILY',
    `${file.name} holds a model of the architecture '${architecture}'${experts > 0 ? ` with ${experts} experts` : ''}, which is not read from GGUF. ` +
      `Known are ${listed([...architectures.keys()])}, without experts. Use the model's Hugging Face folder.`,
  );
}
