import type { LanguageModelOptions } from '../language-model.js';
import type { ModelFamily, ModelSource } from '../model-family.js';
import { version } from '../version.js';
import type { Decoder } from './decoder.js';

/** A family of decoders from how its checkpoint becomes one; the tasks follow from that. */
export function defineDecoderFamily({
  name,
  modelTypes,
  architectures,
  load,
}: Pick<ModelFamily, 'name' | 'modelTypes' | 'architectures'> & {
  readonly load: (source: ModelSource, options: LanguageModelOptions) => Promise<Decoder>;
}): ModelFamily {
  return {
    kind: 'model-family',
    name,
    package: '@loran/models',
    version,
    modelTypes,
    architectures,
    languageModel: load,
  };
}
