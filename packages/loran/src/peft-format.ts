/**
 * LoRAN in PEFT's layout: the same files, keys and field names as a LoRA adapter, with `peft_type: "LORAN"` and a field
 * `activation`. PEFT itself has no such method and refuses the file; merge the adapter to use it there.
 *
 *   X.lora_A.weight [r, in]   X.lora_B.weight [out, r]   X.lora_embedding_A [r, vocabulary]   X.lora_embedding_B [width, r]
 *   X.activation.NAME []      a trained parameter of the activation
 */
import { isActivation } from '@loran/activations';
import type { AdapterFormat } from '@loran/adapter';
import type { LoranConfig } from './loran-config.js';

const prefix = 'activation.';

/** The name of an activation's parameter among those of a layer. */
export const activationKey = (parameter: string): string => `${prefix}${parameter}`;

const suffixes = new Map([
  ['A', 'lora_A.weight'],
  ['B', 'lora_B.weight'],
  ['embeddingA', 'lora_embedding_A'],
  ['embeddingB', 'lora_embedding_B'],
]);

export const peftFormat: AdapterFormat<LoranConfig> = {
  name: 'peft',
  peftType: 'LORAN',
  suffixes: { get: (parameter) => (parameter.startsWith(prefix) ? parameter : suffixes.get(parameter)) },
  toFile: ({ rank, alpha, dropout, activation, init }, { conv1d }) => ({
    r: rank,
    lora_alpha: alpha,
    lora_dropout: dropout,
    activation: isActivation(activation) ? activation.name : activation, // the file names it; whoever loads it brings it
    init_lora_weights: init === 'kaiming' ? true : init,
    bias: 'none',
    fan_in_fan_out: conv1d,
  }),
  fromFile: ({ r, lora_alpha, lora_dropout, activation, init_lora_weights }) => ({
    rank: r,
    alpha: lora_alpha,
    dropout: lora_dropout ?? undefined,
    activation,
    init: init_lora_weights === true ? 'kaiming' : (init_lora_weights ?? undefined),
  }),
};
