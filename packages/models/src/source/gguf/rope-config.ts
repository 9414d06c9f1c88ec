/** Rotary positions of a GGUF file as the fields of config.json. */
import { ModelError } from '../../model-error.js';
import type { GgufFields } from './gguf-fields.js';

/** `headWidth`: features of a head, of which `rope.dimension_count` are turned. Throws INVALID_MODEL_CONFIG. */
export function ropeConfig(fields: GgufFields, headWidth: number): Record<string, unknown> {
  const turned = fields.numberOr('rope.dimension_count') ?? headWidth;
  return {
    rope_theta: fields.numberOr('rope.freq_base') ?? 10000,
    ...(turned === headWidth ? {} : { partial_rotary_factor: turned / headWidth }),
    ...scalingConfig(fields),
  };
}

function scalingConfig(fields: GgufFields): Record<string, unknown> {
  const refuse = (what: string): ModelError =>
    new ModelError(
      'INVALID_MODEL_CONFIG',
      `${fields.file.name}: ${what}, which would change every result and is not supported. Known are linear, yarn, and Llama 3's frequency factors.`,
    );
  for (const tensor of ['rope_factors_long.weight', 'rope_factors_short.weight']) {
    if (fields.file.tensors.has(tensor)) throw refuse(`rotary positions are stretched by the tensor ${tensor}`);
  }
  const type = fields.text(`${fields.architecture}.rope.scaling.type`);
  const factor = fields.numberOr('rope.scaling.factor') ?? fields.numberOr('rope.scale_linear');
  switch (type ?? (factor === undefined || factor === 1 ? 'none' : 'linear')) {
    case 'none':
      return {};
    case 'linear':
      return { rope_scaling: { rope_type: 'linear', factor } };
    case 'yarn': {
      for (const key of ['rope.scaling.yarn_ext_factor', 'rope.scaling.attn_factor', 'rope.scaling.yarn_attn_factor']) {
        const given = fields.numberOr(key) ?? 1;
        if (given !== 1) throw refuse(`'${fields.architecture}.${key}' is ${given}`);
      }
      return {
        rope_scaling: {
          rope_type: 'yarn',
          factor: fields.number('rope.scaling.factor'),
          original_max_position_embeddings: fields.numberOr('rope.scaling.original_context_length'),
          beta_fast: fields.numberOr('rope.scaling.yarn_beta_fast'),
          beta_slow: fields.numberOr('rope.scaling.yarn_beta_slow'),
        },
      };
    }
    default:
      throw refuse(`rotary positions are stretched by the type ${JSON.stringify(type)}`);
  }
}
