/**
 * LoRAN in PEFT's layout: the same files, keys and field names as a LoRA adapter, with `peft_type: "LORAN"` and a field
 * `activation`. PEFT itself has no such method and refuses the file; merge the adapter to use it there.
 *
 *   X.lora_A.weight [r, in]   X.lora_B.weight [out, r]   X.lora_embedding_A [r, vocabulary]   X.lora_embedding_B [width, r]
 *   X.activation.NAME []      a trained parameter of the activation
 *   X.lora_P_1.weight [r₁, r₂]   X.lora_b_1.weight [r₂, 1]   X.lora_embedding_P_1   X.lora_embedding_b_1   of the full form; see updateChain
 */
import { isActivation, type ActivationSpec } from '@loran/activations';
import type { AdapterFormat } from '@loran/adapter';
import type { LoranConfig } from './loran-config.js';

const prefix = 'activation.';

/** The name of an activation's parameter among those of a layer. */
export const activationKey = (parameter: string): string => `${prefix}${parameter}`;

const factors = new Map([
  ['A', 'lora_A.weight'],
  ['B', 'lora_B.weight'],
  ['embeddingA', 'lora_embedding_A'],
  ['embeddingB', 'lora_embedding_B'],
]);

/** 'P1' -> 'lora_P_1.weight', 'embeddingb2' -> 'lora_embedding_b_2'. */
function suffixOf(parameter: string): string | undefined {
  if (parameter.startsWith(prefix)) return parameter;
  const [, kind, letter, index] = /^(embedding)?([Pb])(\d+)$/.exec(parameter) ?? [];
  if (letter === undefined) return factors.get(parameter);
  return kind === undefined ? `lora_${letter}_${index!}.weight` : `lora_embedding_${letter}_${index!}`;
}

export const peftFormat: AdapterFormat<LoranConfig> = {
  name: 'peft',
  peftType: 'LORAN',
  suffixes: { get: suffixOf },
  toFile: (config, { conv1d }) => ({
    r: config.rank,
    lora_alpha: config.alpha,
    lora_dropout: config.dropout,
    activation: named(config.activation),
    init_lora_weights: config.init === 'kaiming' ? true : config.init,
    scaling: config.scaling,
    depth: config.depth,
    projections: config.projections,
    biases: config.biases,
    rank_pattern: config.rankPattern,
    alpha_pattern: config.alphaPattern,
    activation_pattern: Object.fromEntries(
      Object.entries(config.activationPattern).map(([pattern, activation]) => [pattern, named(activation)]),
    ),
    bias: 'none',
    fan_in_fan_out: conv1d,
  }),
  fromFile: (fields) => ({
    rank: fields.r,
    alpha: fields.lora_alpha,
    dropout: fields.lora_dropout ?? undefined,
    activation: fields.activation,
    init: fields.init_lora_weights === true ? 'kaiming' : (fields.init_lora_weights ?? undefined),
    scaling: fields.scaling ?? undefined,
    depth: fields.depth ?? undefined,
    projections: fields.projections ?? undefined,
    biases: fields.biases ?? undefined,
    rankPattern: fields.rank_pattern ?? undefined,
    alphaPattern: fields.alpha_pattern ?? undefined,
    activationPattern: fields.activation_pattern ?? undefined,
  }),
};

/** The file names an activation; whoever loads it brings it. */
const named = (activation: ActivationSpec) => (isActivation(activation) ? activation.name : activation);
