/**
 * LoRA in PEFT's files: the fields of adapter_config.json, the keys of adapter_model.safetensors.
 *
 * PEFT's LoraConfig has grown many features; a file that uses one we do not compute is refused by name, since its tensors
 * alone would give other outputs.
 */
import type { AdapterFormat } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import type { LoraConfig } from './lora-config.js';

type Fields = Readonly<Record<string, unknown>>;

export const peftFormat: AdapterFormat<LoraConfig> = {
  name: 'peft',
  peftType: 'LORA',
  suffixes: new Map([
    ['A', 'lora_A.weight'], // [rank, in]
    ['B', 'lora_B.weight'], // [out, rank]
    ['embeddingA', 'lora_embedding_A'], // [rank, vocabulary]
    ['embeddingB', 'lora_embedding_B'], // [width, rank]
  ]),
  toFile: ({ rank, alpha, dropout, rsLora, init, bias, rankPattern, alphaPattern }, { conv1d }) => ({
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropout,
    use_rslora: rsLora,
    init_lora_weights: init === 'kaiming' ? true : init,
    bias,
    fan_in_fan_out: conv1d, // ours are [out, in], always; PEFT asks how the model's class keeps them
    use_dora: false,
    lora_bias: false,
    rank_pattern: rankPattern,
    alpha_pattern: alphaPattern,
  }),
  fromFile: (fields: Fields) => {
    for (const [field, feature] of unsupported) {
      if (isUsed(fields[field])) throw unsupportedFeature(field, fields[field], feature);
    }
    for (const [field, value] of Object.entries(fields)) {
      if (!known.has(field) && isUsed(value))
        throw unsupportedFeature(field, value, 'something that PEFT 0.21 does not have');
    }
    if (fields.bias !== undefined && fields.bias !== 'none') {
      throw unsupportedFeature('bias', fields.bias, 'trained biases');
    }
    return defined({
      rank: fields.r,
      alpha: fields.lora_alpha,
      dropout: fields.lora_dropout,
      rsLora: fields.use_rslora,
      init: initOf(fields.init_lora_weights),
      rankPattern: fields.rank_pattern,
      alphaPattern: fields.alpha_pattern,
    });
  },
};

/** Fields that change what the tensors mean, and what each asks for. */
const unsupported: readonly (readonly [string, string])[] = [
  ['use_dora', 'DoRA'],
  ['lora_bias', 'a bias on B'],
  ['target_parameters', 'adapters on bare parameters'],
  ['trainable_token_indices', 'trained token rows'],
  ['layer_replication', 'replicated layers'],
  ['alora_invocation_tokens', 'activated LoRA'],
  ['use_qalora', 'QALoRA'],
  ['use_bdlora', 'block-diagonal LoRA'],
  ['arrow_config', 'Arrow routing'],
  ['velora_config', 'VeLoRA'],
  ['monteclora_config', 'MonteCLoRA'],
  ['kasa_config', 'KaSA'],
];

/** All other fields of LoraConfig: read here or with the modules, or of no consequence once trained values are there. */
const known: ReadonlySet<string> = new Set([
  ...unsupported.map(([field]) => field),
  ...[
    'r',
    'lora_alpha',
    'rank_pattern',
    'alpha_pattern',
    'lora_dropout',
    'use_rslora',
    'init_lora_weights',
    'bias',
    'fan_in_fan_out',
  ],
  ...[
    'target_modules',
    'exclude_modules',
    'layers_to_transform',
    'layers_pattern',
    'modules_to_save',
    'ensure_weight_tying',
  ],
  ...[
    'peft_type',
    'task_type',
    'peft_version',
    'auto_mapping',
    'base_model_name_or_path',
    'revision',
    'inference_mode',
  ],
  ...['loftq_config', 'eva_config', 'corda_config', 'lora_ga_config'], // of initialisations, which init_lora_weights names
  ...['megatron_config', 'megatron_core', 'qalora_group_size', 'runtime_config'],
]);

/**
 * How A starts matters no more once trained values are read; but some initialisations also change the base weight, and
 * without that change the values mean something else.
 */
function initOf(value: unknown): LoraConfig['init'] | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === 'gaussian') return 'gaussian';
  if (value === true || value === false || value === 'true' || value === 'eva' || value === 'orthogonal')
    return 'kaiming';
  throw unsupportedFeature('init_lora_weights', value, 'an initialisation that also changes the base weights');
}

/** null, false, an empty list and an empty object are PEFT's ways of not using a feature. */
function isUsed(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function unsupportedFeature(field: string, value: unknown, feature: string): LoranError {
  return new LoranError(
    'UNSUPPORTED_PEFT_FEATURE',
    `adapter_config.json has "${field}": ${JSON.stringify(value)}, which asks for ${feature}; @loran/lora does not compute that. ` +
      'Merge the adapter with PEFT (merge_and_unload), or train it without this option.',
  );
}

/** Without the undefined fields, whose defaults the schema fills in. */
function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}
