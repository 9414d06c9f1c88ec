/**
 * A model family of your own: CWM (model_type "cwm"), which is Llama whose layers see either all tokens or a window of them, as
 * `layer_types` of config.json says.
 *
 *   npm run loran -- generate --plugin ./examples/model-family/main.ts --model facebook/cwm --base nf4 --prompt "def mean(xs):"
 */
// #region family
import { defineDecoderFamily, llamaFields, llamaOptions, loadRotaryDecoder, parseModelConfig } from '@loran/models';
import { z } from 'zod';

/** What config.json must say; fields that are missing have the defaults of the model's authors. */
const fields = z.object({
  ...llamaFields,
  head_dim: z.int().positive().default(128),
  mlp_bias: z.boolean().default(false),
  sliding_window: z.int().positive().default(8192),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])),
});

export const cwm = defineDecoderFamily({
  name: 'cwm',
  package: null, // yours, with its version, once it is published
  version: null,
  modelTypes: ['cwm'],
  architectures: ['CwmForCausalLM'],
  load: (source, kept) => {
    const config = parseModelConfig(source.name, 'CWM', fields, source.config);
    return loadRotaryDecoder(
      source,
      {
        family: 'cwm',
        ...llamaOptions(source, config),
        bias: { feedForward: config.mlp_bias },
        window: (layer) => (config.layer_types[layer] === 'sliding_attention' ? config.sliding_window : undefined),
      },
      kept,
    );
  },
});
// #endregion
