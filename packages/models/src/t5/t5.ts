/**
 * T5 (Raffel et al. 2020, arXiv 1910.10683), its versions 1.0 and 1.1, Flan-T5 (Chung et al. 2022, arXiv 2210.11416) and mT5:
 * RMS norms, relative position biases, no biases elsewhere.
 */
import { loadDecoderModules } from '../decoder/load-decoder.js';
import { endIdsOf } from '../decoder/decoder-config.js';
import type { ModelFamily } from '../model-family.js';
import { version } from '../version.js';
import { parseT5Config } from './t5-config.js';
import { T5Model } from './t5-model.js';
import { isKnownRest, storedNames, t5Modules } from './t5-modules.js';

export const t5: ModelFamily = {
  kind: 'model-family',
  name: 't5',
  package: '@loran/models',
  version,
  modelTypes: ['t5', 'mt5'],
  architectures: [
    'T5ForConditionalGeneration',
    'T5WithLMHeadModel',
    'MT5ForConditionalGeneration',
    'T5Model',
    'MT5Model',
  ],

  async sequenceToSequenceModel(source, options) {
    const config = parseT5Config(source.name, source.config);
    // transformers 5 calls every T5 tied, and unties those whose files hold another head
    const untied = !config.tie_word_embeddings || !config.scaled;
    const { modules, warnings } = await loadDecoderModules(
      source,
      {
        specs: t5Modules(config),
        embedding: 'shared',
        tied: !(untied && source.weights.tensors.has('lm_head.weight')),
        storedNames,
        isKnownRest,
      },
      options,
    );
    const { tokenizer, generation } = source;
    const startId = (generation?.['decoder_start_token_id'] ?? config.decoder_start_token_id) as number | undefined;
    return new T5Model(config, modules, {
      tokenizer,
      warnings,
      endIds: endIdsOf(config, generation),
      startId: startId ?? config.pad_token_id ?? tokenizer.padId,
    });
  },
};
