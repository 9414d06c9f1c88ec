/** config.json and generation_config.json as a GGUF file's metadata and tensors have them. */
import { ModelError } from '../../model-error.js';
import type { GgufArchitecture } from './gguf-architecture.js';
import type { GgufFields } from './gguf-fields.js';
import { llama3ScalingOf } from './rope-factors.js';

type Config = Record<string, unknown>;

/** Throws INVALID_MODEL_CONFIG. */
export async function ggufConfig(fields: GgufFields, architecture: GgufArchitecture): Promise<Config> {
  const { file } = fields;
  const embedding = file.tensors.get('token_embd.weight');
  if (embedding === undefined) {
    throw new ModelError(
      'MISSING_WEIGHTS',
      `${file.name} has no tensor token_embd.weight, so it holds no language model.`,
    );
  }
  const layers = fields.number('block_count');
  if (layers > file.tensors.size) {
    throw new ModelError(
      'INVALID_MODEL_CONFIG',
      `${file.name}: metadata field '${fields.architecture}.block_count' claims ${layers} layers, but the file has ${file.tensors.size} tensors. It is damaged, or a part of a model.`,
    );
  }
  const config = {
    model_type: architecture.modelTypes[0],
    architectures: [architecture.className],
    vocab_size: embedding.shape[0],
    ...architecture.config(fields),
    ...tokenIds(fields),
  };
  const scaling = await frequencyScaling(fields, config);
  return scaling === undefined ? config : { ...config, rope_scaling: scaling };
}

/** The ids that end a text, turns of a chat included, as generation_config.json lists them. */
export function ggufGeneration(fields: GgufFields): Config {
  const ends = ['eos_token_id', 'eot_token_id', 'eom_token_id'].flatMap((name) => fields.tokenId(name) ?? []);
  return ends.length === 0 ? {} : { eos_token_id: [...new Set(ends)] };
}

function tokenIds(fields: GgufFields): Config {
  const named = {
    bos_token_id: fields.tokenId('bos_token_id'),
    eos_token_id: fields.tokenId('eos_token_id'),
    pad_token_id: fields.tokenId('padding_token_id'),
  };
  return Object.fromEntries(Object.entries(named).filter(([, id]) => id !== undefined));
}

/** Llama 3 stretches positions by a tensor of divisors rather than by metadata. */
async function frequencyScaling({ file }: GgufFields, config: Config): Promise<unknown> {
  const info = file.tensors.get('rope_freqs.weight');
  if (info === undefined) return undefined;
  const parts: number[] = [];
  if (info.shape.length !== 1 || info.shape[0] !== Number(config['head_dim']) / 2) {
    throw new ModelError(
      'WEIGHT_SHAPES',
      `${file.name}: rope_freqs.weight is [${info.shape.join(', ')}], expected one divisor for each pair of a head's ${String(config['head_dim'])} features.`,
    );
  }
  for await (const run of file.values('rope_freqs.weight')) parts.push(...run);
  const scaling = llama3ScalingOf(Float32Array.from(parts), config['rope_theta'] as number);
  if (scaling !== 'unknown') return scaling;
  throw new ModelError(
    'INVALID_MODEL_CONFIG',
    `${file.name}: rope_freqs.weight divides the frequencies of rotary positions by ${parts.slice(0, 8).join(', ')} …, which is not Llama 3's way. Use the model's Hugging Face folder.`,
  );
}
