/**
 * What PEFT's LoraConfig can ask for and we do not compute: refused by name, since the tensors alone would give other outputs.
 * Each with its reason in the package's README.
 */
import { LoranError } from '@loran/plugin';

type Fields = Readonly<Record<string, unknown>>;

/** Fields that change what the tensors mean, and what each asks for. */
const unsupported: readonly (readonly [string, string])[] = [
  ['target_parameters', 'adapters on bare parameters'],
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
  ...['r', 'lora_alpha', 'rank_pattern', 'alpha_pattern', 'lora_dropout', 'use_rslora', 'use_dora', 'lora_bias'],
  ...['init_lora_weights', 'bias', 'fan_in_fan_out', 'trainable_token_indices'],
  ...['target_modules', 'exclude_modules', 'layers_to_transform', 'layers_pattern'],
  ...['modules_to_save', 'ensure_weight_tying'],
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

/** Throws UNSUPPORTED_PEFT_FEATURE, naming the field. */
export function refuseUnsupported(fields: Fields): void {
  for (const [field, feature] of unsupported) {
    if (isUsed(fields[field])) throw unsupportedFeature(field, fields[field], feature);
  }
  for (const [field, value] of Object.entries(fields)) {
    if (!known.has(field) && isUsed(value))
      throw unsupportedFeature(field, value, 'something that PEFT 0.21 does not have');
  }
}

/** null, false, an empty list and an empty object are PEFT's ways of not using a feature. */
function isUsed(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

export function unsupportedFeature(field: string, value: unknown, feature: string): LoranError {
  return new LoranError(
    'UNSUPPORTED_PEFT_FEATURE',
    `adapter_config.json has "${field}": ${JSON.stringify(value)}, which asks for ${feature}; @loran/lora does not compute that. ` +
      'Merge the adapter with PEFT (merge_and_unload), or train it without this option.',
  );
}
