import { chooseLabels } from '../classification/choose-labels.js';
import type { ModelFamily, ModelSource } from '../model-family.js';
import type { Decoder } from './decoder.js';
import { DecoderClassifier } from './decoder-classifier.js';
import type { DecoderLoadOptions } from './load-decoder.js';

export interface DecoderFamilyOptions extends Pick<
  ModelFamily,
  'name' | 'modelTypes' | 'architectures' | 'vocabularyModules'
> {
  /** The package that ships it and its version; null for one that is defined in a script. */
  readonly package: string | null;
  readonly version: string | null;
  /** `options` go on to the function that loads the modules, such as `loadRotaryDecoder`. */
  readonly load: (source: ModelSource, options: DecoderLoadOptions) => Promise<Decoder>;
}

/** A family of decoders from how its checkpoint becomes one; the tasks (language model, classifier) follow from that. */
export function defineDecoderFamily({ load, ...family }: DecoderFamilyOptions): ModelFamily {
  return {
    kind: 'model-family',
    vocabularyModules: ['embed_tokens', 'lm_head'],
    ...family,
    languageModel: load,

    async sequenceClassifier(source, options) {
      const offer = { poolings: ['last'], head: () => 'score.weight' } as const;
      const { labels, fresh, deviation } = chooseLabels(source, offer, options);
      const { base, packedBy, onProgress, seed = 0 } = options;
      const decoder = await load(source, {
        ...(base === undefined ? {} : { base }),
        ...(packedBy === undefined ? {} : { packedBy }),
        ...(onProgress === undefined ? {} : { onProgress }),
        score: { labels: labels.length, fresh: fresh ? { seed, deviation } : undefined },
      });
      return new DecoderClassifier(decoder, { labels, initialised: fresh ? ['score'] : [] });
    },
  };
}
