import { chooseLabels } from '../classification/choose-labels.js';
import type { ModelFamily, ModelSource } from '../model-family.js';
import { version } from '../version.js';
import type { Decoder } from './decoder.js';
import { DecoderClassifier } from './decoder-classifier.js';
import type { DecoderLoadOptions } from './load-decoder.js';

/** A family of decoders from how its checkpoint becomes one; the tasks follow from that. */
export function defineDecoderFamily({
  name,
  modelTypes,
  architectures,
  load,
}: Pick<ModelFamily, 'name' | 'modelTypes' | 'architectures'> & {
  readonly load: (source: ModelSource, options: DecoderLoadOptions) => Promise<Decoder>;
}): ModelFamily {
  return {
    kind: 'model-family',
    name,
    package: '@loran/models',
    version,
    modelTypes,
    architectures,
    languageModel: load,

    async sequenceClassifier(source, options) {
      const offer = { poolings: ['last'], head: () => 'score.weight' } as const;
      const { labels, fresh, deviation } = chooseLabels(source, offer, options);
      const { base, seed = 0 } = options;
      const decoder = await load(source, {
        ...(base === undefined ? {} : { base }),
        score: { labels: labels.length, fresh: fresh ? { seed, deviation } : undefined },
      });
      return new DecoderClassifier(decoder, { labels, initialised: fresh ? ['score'] : [] });
    },
  };
}
