/** Models from what a user points at: a Hugging Face folder, a name on the hub, a GGUF file. */
import type { Registry } from '@loran/plugin';
import type { LanguageModel, LanguageModelOptions } from './language-model.js';
import { ModelError } from './model-error.js';
import { familyOf, modelFamilies } from './model-families.js';
import type { ModelFamily, ModelSource } from './model-family.js';
import type { SentenceEncoder, SentenceEncoderOptions } from './sentence-encoder.js';
import type { SequenceClassifier, SequenceClassifierOptions } from './sequence-classifier.js';
import type { SequenceToSequenceModel } from './sequence-to-sequence-model.js';
import { fetchModel, type ModelDownload } from './source/fetch-model.js';
import { openModel } from './source/open-source.js';

/** What loading takes besides the options of the model. */
export interface Loading {
  /** The model families to choose from; default those shipped here. */
  readonly families?: Registry<ModelFamily>;
  /** How a model of the hub is fetched: 'org/name' where no such folder exists. */
  readonly download?: ModelDownload;
}

/**
 * A sequence classifier from a Hugging Face folder (config.json, tokenizer.json, safetensors in F32, F16, BF16 or F64, one
 * file or shards), from what else `openModel` opens, or from what it has opened: then the weights stay open.
 *
 * Throws MODEL_NOT_FOUND, INVALID_MODEL_CONFIG, UNKNOWN_MODEL_FAMILY, UNSUPPORTED_TASK, TOKENIZER_NOT_FOUND,
 * INVALID_TOKENIZER, MISSING_WEIGHTS, WEIGHT_SHAPES, INVALID_LABELS, what @loran/formats throws about the weights, and what
 * @loran/hub throws about a download.
 */
export function loadSequenceClassifier(
  model: string | ModelSource,
  { families = modelFamilies(), download, ...options }: SequenceClassifierOptions & Loading = {},
): Promise<SequenceClassifier> {
  return load({ model, families, download }, 'sequenceClassifier', 'classify texts', options);
}

/** A causal language model from the same. Throws the same errors but INVALID_LABELS. */
export function loadLanguageModel(
  model: string | ModelSource,
  { families = modelFamilies(), download, ...options }: LanguageModelOptions & Loading = {},
): Promise<LanguageModel> {
  return load({ model, families, download }, 'languageModel', 'continue texts', options);
}

/**
 * An encoder that makes a vector of each text, from the same; it pools as sentence-transformers' files say, else by the mean.
 * Throws the same errors but INVALID_LABELS.
 */
export function loadSentenceEncoder(
  model: string | ModelSource,
  { families = modelFamilies(), download, ...options }: SentenceEncoderOptions & Loading = {},
): Promise<SentenceEncoder> {
  return load({ model, families, download }, 'sentenceEncoder', 'make vectors of texts', options);
}

/** A model that reads one text and writes another, from the same. Throws the same errors but INVALID_LABELS. */
export function loadSequenceToSequenceModel(
  model: string | ModelSource,
  { families = modelFamilies(), download, ...options }: LanguageModelOptions & Loading = {},
): Promise<SequenceToSequenceModel> {
  return load({ model, families, download }, 'sequenceToSequenceModel', 'write texts from others', options);
}

/** The family of a model, known from its configuration: what it can do shows in its methods. */
export function familyOfModel(
  model: string | ModelSource,
  { families = modelFamilies(), download }: Loading = {},
): Promise<ModelFamily> {
  return withSource(model, download, (source) => Promise.resolve(familyOf(nameOf(model), source.config, families)));
}

type Task = 'sequenceClassifier' | 'languageModel' | 'sentenceEncoder' | 'sequenceToSequenceModel';
type OptionsOf<T extends Task> = Parameters<NonNullable<ModelFamily[T]>>[1];
type ModelOf<T extends Task> = ReturnType<NonNullable<ModelFamily[T]>>;

interface Asked {
  readonly model: string | ModelSource;
  readonly families: Registry<ModelFamily>;
  readonly download: ModelDownload | undefined;
}

function load<T extends Task>(
  { model, families, download }: Asked,
  task: T,
  does: string,
  options: OptionsOf<T>,
): Promise<Awaited<ModelOf<T>>> {
  return withSource(model, download, async (source): Promise<Awaited<ModelOf<T>>> => {
    const family = familyOf(nameOf(model), source.config, families);
    const make = family[task] as ((source: ModelSource, options: OptionsOf<T>) => ModelOf<T>) | undefined;
    if (make === undefined) {
      const able = families.list().filter((known) => known[task] !== undefined);
      throw new ModelError(
        'UNSUPPORTED_TASK',
        `${nameOf(model)} is a ${family.name} model, which cannot ${does} here. Families that can: ${able.map(({ name }) => name).join(', ') || 'none'}.`,
      );
    }
    return await make.call(family, source, options);
  });
}

/** A model named is opened for as long as `use` runs; one that is open stays so. */
async function withSource<T>(
  model: string | ModelSource,
  download: ModelDownload | undefined,
  use: (source: ModelSource) => Promise<T>,
): Promise<T> {
  if (typeof model !== 'string') return use(model);
  const source = await openModel((await fetchModel(model, download)).path);
  try {
    return await use(source);
  } finally {
    await source.weights.close();
  }
}

const nameOf = (model: string | ModelSource): string => (typeof model === 'string' ? model : model.name);
