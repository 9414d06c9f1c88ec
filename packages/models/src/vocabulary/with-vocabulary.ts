/**
 * A model's files with another vocabulary: a tokenizer with more tokens, and embeddings and output head of as many rows. Whatever
 * is done with the files afterwards (loading, merging, writing) sees a model that was always so.
 */
import type { Registry } from '@loran/plugin';
import { isBlockType, isFloat, type TensorFile } from '@loran/formats';
import { ModelError } from '../model-error.js';
import { familyOf, modelFamilies } from '../model-families.js';
import type { ModelFamily, ModelSource } from '../model-family.js';
import { addTokens } from '../tokenizer/add-tokens.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { resizedFile } from './resized-file.js';

export interface Vocabulary {
  /** Default: the model's own. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Rows of embedding and head; default: as many as there are, more where the tokenizer has more tokens. */
  readonly rows?: number | undefined;
  /** The model families to choose from; default those shipped here. */
  readonly families?: Registry<ModelFamily> | undefined;
}

/**
 * `source` with tokens of a user's own; see addTokens. Its vocabulary grows where the new ids do not fit into rows that stand
 * empty. Throws INVALID_ADDED_TOKENS, VOCABULARY_FIXED, UNKNOWN_MODEL_FAMILY.
 */
export function withAddedTokens(
  source: ModelSource,
  tokens: readonly string[],
  { families = modelFamilies() }: Pick<Vocabulary, 'families'> = {},
): ModelSource {
  const family = familyOf(source.name, source.config, families);
  if (family.vocabularyModules === undefined) throw fixed(source, `cannot take ${tokens.join(', ')}`, notHere(family));
  return withVocabulary(source, { tokenizer: addTokens(source.tokenizer, tokens), families });
}

/**
 * `source` with that tokenizer and so many rows; new rows are the mean of the others. Closing its weights closes those of
 * `source`. Throws VOCABULARY_FIXED for a family or a checkpoint that can't be resized, UNKNOWN_MODEL_FAMILY.
 */
export function withVocabulary(
  source: ModelSource,
  { tokenizer = source.tokenizer, rows, families = modelFamilies() }: Vocabulary,
): ModelSource {
  const family = familyOf(source.name, source.config, families);
  const matrices = vocabularyMatrices(source.weights, family);
  const present = rowsOf(source, matrices);
  const wanted = rows ?? Math.max(present ?? 0, tokenizer.vocabularySize);
  if (present === undefined && rows === undefined) return { ...source, tokenizer }; // loading says what is missing
  if (wanted === present) return { ...source, tokenizer };
  const change = `of ${present ?? 'unknown'} rows cannot become one of ${wanted}`;
  if (family.vocabularyModules === undefined) throw fixed(source, change, notHere(family));
  for (const name of matrices) {
    const { dtype, shape } = source.weights.tensors.get(name)!;
    if ((isFloat(dtype) || isBlockType(dtype)) && shape.length === 2 && shape[0] === present) continue;
    throw fixed(
      source,
      change,
      `${name} is ${dtype} [${shape.join(', ')}], packed or of another size. Take the checkpoint that is not packed`,
    );
  }
  return {
    ...source,
    tokenizer,
    config: withSize(source.config, wanted),
    weights: resizedFile(source.weights, matrices, wanted),
  };
}

const fixed = ({ name }: ModelSource, change: string, why: string): ModelError =>
  new ModelError('VOCABULARY_FIXED', `${name}: its vocabulary ${change}: ${why}.`);

const notHere = ({ name }: ModelFamily): string =>
  `models of the family '${name}' keep theirs here. Add no tokens, or resize the model in Python (model.resize_token_embeddings) and load the result`;

/** Names of the matrices that have a row for each token. */
function vocabularyMatrices({ tensors }: TensorFile, { vocabularyModules = [] }: ModelFamily): ReadonlySet<string> {
  const isOne = (name: string): boolean => {
    const [module, ending] = name.split('.').slice(-2);
    return ending === 'weight' && module !== undefined && vocabularyModules.includes(module);
  };
  return new Set([...tensors.keys()].filter(isOne));
}

/** Rows of the embedding; what config.json says where the family does not name it. */
function rowsOf({ config, weights }: ModelSource, matrices: ReadonlySet<string>): number | undefined {
  const [first] = [...matrices].filter((name) => !name.endsWith('lm_head.weight'));
  const said = first === undefined ? config['vocab_size'] : weights.tensors.get(first)?.shape[0];
  return typeof said === 'number' ? said : undefined;
}

/** Models with images keep what is said of their text in `text_config`. */
function withSize(config: ModelSource['config'], rows: number): ModelSource['config'] {
  const text = config['text_config'];
  if (typeof text !== 'object' || text === null) return { ...config, vocab_size: rows };
  const own = config['vocab_size'] === undefined ? {} : { vocab_size: rows };
  return { ...config, ...own, text_config: { ...text, vocab_size: rows } };
}
