/**
 * What of PEFT's LoraConfig is computed, and what is refused by name, since the tensors alone would give other outputs. Each refusal
 * with its reason in the package's README.
 */
import type { PeftFields } from '@loran/adapter';

export const loraFields: PeftFields = {
  package: '@loran/lora',
  known: [
    ...['r', 'lora_alpha', 'rank_pattern', 'alpha_pattern', 'lora_dropout', 'use_rslora', 'use_dora', 'lora_bias'],
    ...['init_lora_weights', 'bias', 'fan_in_fan_out', 'trainable_token_indices'],
    ...['loftq_config', 'eva_config', 'corda_config', 'lora_ga_config'], // of initialisations, which init_lora_weights names
    ...['megatron_config', 'megatron_core', 'qalora_group_size', 'runtime_config'],
  ],
  unsupported: {
    target_parameters: 'adapters on bare parameters',
    layer_replication: 'replicated layers',
    alora_invocation_tokens: 'activated LoRA',
    use_qalora: 'QALoRA',
    use_bdlora: 'block-diagonal LoRA',
    arrow_config: 'Arrow routing',
    velora_config: 'VeLoRA',
    monteclora_config: 'MonteCLoRA',
    kasa_config: 'KaSA',
    plugins: 'something that PEFT 0.21 does not have', // a LoRA names its plugins in the weights' file
  },
};
