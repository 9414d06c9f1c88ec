/** Fields of config.json that decoders have in common, with transformers' names. */
import { z } from 'zod';
import { ropeScaling, type RotaryOptions } from '../layers/rotary/frequencies.js';
import { type HiddenActivation, hiddenActivations } from '../layers/hidden-activation.js';
import { ModelError } from '../model-error.js';

export const size = z.int().positive();
export const rate = z.number().min(0).lt(1);
export const activation = z.enum(Object.keys(hiddenActivations) as [HiddenActivation]);
export const endIdsField = z.union([z.int(), z.array(z.int())]).nullish();

/** What every decoder with rotary positions says; a family adds its own fields and defaults. */
export const rotaryDecoderFields = {
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  max_position_embeddings: size.default(2048),
  rms_norm_eps: z.number().positive().default(1e-6),
  attention_dropout: rate.default(0),
  eos_token_id: endIdsField,
  rope_theta: z.number().positive().nullish(),
  rope_scaling: z.record(z.string(), z.unknown()).nullish(),
  rope_parameters: z.record(z.string(), z.unknown()).nullish(),
  partial_rotary_factor: z.number().positive().max(1).nullish(),
};

type RopeFields = Partial<Record<'rope_theta' | 'rope_scaling' | 'rope_parameters' | 'partial_rotary_factor', unknown>>;

/** A head's width: given, or an equal share of the features. Throws INVALID_MODEL_CONFIG when heads do not divide up. */
export function headWidthOf(
  name: string,
  config: {
    hidden_size: number;
    num_attention_heads: number;
    num_key_value_heads?: number | null | undefined;
    head_dim?: number | null | undefined;
  },
): { heads: number; keyHeads: number; headWidth: number } {
  const { hidden_size: width, num_attention_heads: heads } = config;
  const keyHeads = config.num_key_value_heads ?? heads;
  const headWidth = config.head_dim ?? width / heads;
  if (!Number.isInteger(headWidth) || heads % keyHeads !== 0) {
    throw new ModelError(
      'INVALID_MODEL_CONFIG',
      `${name}: config.json has ${heads} heads (num_attention_heads) for ${width} features and ${keyHeads} key heads (num_key_value_heads); each must divide up evenly.`,
    );
  }
  return { heads, keyHeads, headWidth };
}

/**
 * The rotary embedding that config.json describes: `rope_parameters` of transformers 5, or `rope_theta` and `rope_scaling`
 * (whose type was once called `type`) of those before. Throws INVALID_MODEL_CONFIG for a type that is not known.
 */
export function rotaryOf(
  name: string,
  fields: RopeFields,
  facts: { readonly headWidth: number; readonly maxLength: number; readonly base?: number },
): RotaryOptions {
  const given = (fields.rope_parameters ?? fields.rope_scaling ?? {}) as Record<string, unknown>;
  const { type = 'default', rope_theta: theta = fields.rope_theta ?? facts.base ?? 10000 } = given;
  const result = ropeScaling.safeParse({ ...given, rope_type: given['rope_type'] ?? type });
  if (!result.success) {
    throw new ModelError(
      'INVALID_MODEL_CONFIG',
      `${name}: config.json stretches rotary positions as ${JSON.stringify(given)}; known are the types default, linear, dynamic, yarn and llama3 with their factors. ${result.error.issues.map(({ path, message }) => `'${path.join('.')}': ${message}`).join('; ')}.`,
    );
  }
  const share = (given['partial_rotary_factor'] ?? fields.partial_rotary_factor ?? 1) as number;
  const width = Math.trunc(facts.headWidth * share);
  if (width % 2 !== 0 || typeof theta !== 'number') {
    throw new ModelError(
      'INVALID_MODEL_CONFIG',
      `${name}: config.json turns ${width} features of a head by base ${JSON.stringify(theta)}; expected an even number and a number.`,
    );
  }
  return { base: theta, width, trainedLength: facts.maxLength, scaling: result.data };
}

/** The longest text: 'dynamic' stretches the trained length when asked, the other types count it in the positions given. */
export function stretchedLength({ trainedLength, scaling }: RotaryOptions): number {
  return scaling?.rope_type === 'dynamic' ? Math.floor(trainedLength * scaling.factor) : trainedLength;
}

/** Ids of `eos_token_id`, of generation_config.json where it has them. */
export function endIdsOf(
  config: { readonly eos_token_id?: unknown },
  generation?: Readonly<Record<string, unknown>>,
): number[] {
  const given = generation?.['eos_token_id'] ?? config.eos_token_id;
  return [given].flat().filter((id): id is number => Number.isInteger(id));
}

/** Sliding windows by layer: what `layer_types` says, else `otherwise`. */
export function windows(
  window: number | null | undefined,
  layerTypes: readonly string[] | null | undefined,
  otherwise: (layer: number) => boolean,
): (layer: number) => number | undefined {
  return (layer) => {
    const slides = layerTypes?.[layer] === undefined ? otherwise(layer) : layerTypes[layer] === 'sliding_attention';
    return slides && window != null ? window : undefined;
  };
}
