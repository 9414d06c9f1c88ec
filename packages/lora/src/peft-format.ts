/**
 * LoRA in PEFT's files: the fields of adapter_config.json, the keys of adapter_model.safetensors.
 *
 * PEFT writes an adapter that began with PiSSA or OLoRA for a base whose weights it changed, unless it converts it. Ours is
 * written converted, always: a plain LoRA of twice the rank, ΔW = s·([B, −B₀]·[A; A₀]), which goes on the base as it is.
 */
import { type AdapterFormat, givenFields, refuseUnsupported, unsupportedField } from '@loran/adapter';
import { isSubtracted } from './initial/start.js';
import type { LoraConfig } from './lora-config.js';
import { loraFields } from './lora-fields.js';

type Fields = Readonly<Record<string, unknown>>;

export const peftFormat: AdapterFormat<LoraConfig> = {
  name: 'peft',
  peftType: 'LORA',
  inPeft: true,
  suffixes: new Map([
    ['A', 'lora_A.weight'], // [rank, in]
    ['B', 'lora_B.weight'], // [out, rank]
    ['embeddingA', 'lora_embedding_A'], // [rank, vocabulary]
    ['embeddingB', 'lora_embedding_B'], // [width, rank]
    ['magnitude', 'lora_magnitude_vector'], // [out]; embedding [width]
    ['ownBias', 'lora_B.bias'], // [out]
    ['weightBias', 'base_layer.bias'], // [out], of a target module
    ['bias', 'bias'], // [out], of another module
    ['tokens', 'token_adapter.trainable_tokens_delta'], // [ids, width]: the rows themselves, whatever its name
  ]),
  toFile: (config, { conv1d }) => {
    const doubled = isSubtracted(config.init);
    const alphaTimes = doubled ? (config.rsLora ? Math.SQRT2 : 2) : 1; // so that the scaling stays
    const times = (pattern: Readonly<Record<string, number>>, factor: number) =>
      Object.fromEntries(Object.entries(pattern).map(([key, value]) => [key, value * factor]));
    return {
      r: config.rank * (doubled ? 2 : 1),
      lora_alpha: config.alpha * alphaTimes,
      lora_dropout: config.dropout,
      use_rslora: config.rsLora,
      ...initialisation(config),
      bias: config.bias,
      fan_in_fan_out: conv1d, // ours are [out, in], always; PEFT asks how the model's class keeps them
      use_dora: config.dora,
      lora_bias: config.loraBias,
      rank_pattern: times(config.rankPattern, doubled ? 2 : 1),
      alpha_pattern: times(config.alphaPattern, alphaTimes),
      ...(config.trainableTokens === undefined ? {} : { trainable_token_indices: config.trainableTokens }),
    };
  },
  fromFile: (fields: Fields) => {
    refuseUnsupported(fields, loraFields);
    return givenFields({
      rank: fields.r,
      alpha: fields.lora_alpha,
      dropout: fields.lora_dropout,
      rsLora: fields.use_rslora,
      dora: fields.use_dora,
      ...startIn(fields),
      bias: fields.bias,
      loraBias: fields.lora_bias,
      rankPattern: fields.rank_pattern,
      alphaPattern: fields.alpha_pattern,
      trainableTokens: fields.trainable_token_indices,
    });
  },
};

function initialisation({ init, eva, loftqIterations }: LoraConfig): Fields {
  if (init === 'kaiming' || isSubtracted(init)) return { init_lora_weights: true };
  if (init === 'loftq') {
    return loftqIterations === 1
      ? { init_lora_weights: true } // the base is any copy of the quantised one
      : { init_lora_weights: 'loftq', loftq_config: { loftq_bits: 4, loftq_iter: loftqIterations } };
  }
  if (init !== 'eva') return { init_lora_weights: init };
  const { rho, whiten, adjustScaling } = eva;
  const rest = { tau: 0.99, use_label_mask: true, label_mask_value: -100 }; // PEFT's, of its own way to the same directions
  return { init_lora_weights: 'eva', eva_config: { rho, whiten, adjust_scaling_factors: adjustScaling, ...rest } };
}

/**
 * How the factors started matters no more once trained values are read, unless they stand for a base that was changed. For 'pissa'
 * and 'olora' that change follows from the base, and is found again; with random numbers in it, it does not.
 */
function startIn({ init_lora_weights: init, eva_config: eva, loftq_config: loftq }: Fields): Fields {
  switch (init) {
    case 'gaussian':
    case 'orthogonal':
    case 'pissa':
    case 'olora':
      return { init };
    case 'eva': {
      const { rho, whiten, adjust_scaling_factors: adjustScaling } = (eva ?? {}) as Fields;
      return { init, eva: givenFields({ rho, whiten, adjustScaling }) };
    }
    case 'loftq':
      return givenFields({ init, loftqIterations: ((loftq ?? {}) as Fields).loftq_iter });
    case undefined:
    case null:
      return {};
    case true:
    case false:
    case 'true':
      return { init: 'kaiming' };
    default:
      throw unsupportedField(
        loraFields.package,
        'init_lora_weights',
        init,
        'an initialisation that also changes the base weights, in a way that the file does not tell',
      );
  }
}
