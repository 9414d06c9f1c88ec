/** config.json of a merged model: the base's, with what the merge changed. */
import type { MergedWeights, StoredModel } from './merged-weights.js';

/** The dtypes that models are written in. */
export type ModelDtype = 'F32' | 'F16' | 'BF16';

type Config = Readonly<Record<string, unknown>>;

const dtypeNames: Readonly<Record<ModelDtype, string>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

/** `labels`: of a classifier, in the order of its logits. */
export function mergedConfig(
  config: Config,
  { untied, added }: Pick<MergedWeights, 'untied' | 'added'>,
  model: StoredModel & { readonly labels?: readonly string[]; readonly pooling?: string },
  dtype: ModelDtype,
): Config {
  const { quantization_config: _, ...rest } = withDtype(config, dtypeNames[dtype]);
  return {
    ...rest,
    ...(untied.length > 0 ? { tie_word_embeddings: false } : {}),
    ...(model.labels === undefined ? {} : labelFields(model.labels)),
    ...(added.length > 0 && model.labels !== undefined ? classifierFields(config, model.pooling) : {}),
  };
}

/** Older versions of transformers read `torch_dtype`, those from 4.56 on `dtype` first; models in parts say it for each. */
function withDtype(config: Config, name: string): Config {
  const fields = ['dtype', 'torch_dtype'].filter((field) => config[field] != null);
  const named = fields.length > 0 ? fields : ['torch_dtype'];
  const parts = Object.entries(config).filter(
    ([key, value]) => key.endsWith('_config') && isObject(value) && (value['dtype'] ?? value['torch_dtype']) != null,
  );
  return {
    ...config,
    ...Object.fromEntries(named.map((field) => [field, name])),
    ...Object.fromEntries(parts.map(([key, part]) => [key, withDtype(part as Config, name)])),
  };
}

function labelFields(labels: readonly string[]): Config {
  return {
    id2label: Object.fromEntries(labels.map((label, id) => [id, label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
  };
}

/** 'BertModel', 'LlamaForCausalLM', 'GPT2LMHeadModel' -> '…ForSequenceClassification'. No class of transformers has 'mean'. */
function classifierFields({ architectures }: Config, pooling: string | undefined): Config {
  const [first] = Array.isArray(architectures) ? (architectures as unknown[]) : [];
  if (pooling === 'mean' || typeof first !== 'string') return { classifier_pooling: pooling };
  return { architectures: [`${first.replace(/(For\w+|LMHeadModel|Model)$/, '')}ForSequenceClassification`] };
}

const isObject = (value: unknown): value is Config =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
