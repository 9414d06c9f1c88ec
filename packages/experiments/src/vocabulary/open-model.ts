/** A model's files with the vocabulary of the adapters that go on it, and with tokens that a run adds. */
import {
  familyOfModel,
  type ModelFamily,
  type ModelSource,
  openModel,
  withAddedTokens,
  withVocabulary,
} from '@loran/models';
import { LoranError, type Registry } from '@loran/plugin';
import { type AdapterVocabulary, adapterVocabulary, chosenTokenizer } from './adapter-vocabulary.js';

export interface VocabularyChoice {
  readonly families: Registry<ModelFamily>;
  /** Folders of the adapters to come. */
  readonly adapters?: readonly string[];
  /** Tokens to add. */
  readonly addTokens?: readonly string[];
}

export interface OpenedModel {
  /** The caller closes its weights. */
  readonly source: ModelSource;
  readonly family: ModelFamily;
  /** Whether its tokenizer is another than the model's own. */
  readonly ownTokenizer: boolean;
}

/**
 * Opens the model at `path`. Throws what openModel, withVocabulary and withAddedTokens do, TOKENIZER_MISMATCH, and
 * VOCABULARY_CONFLICT for adapters that were trained with different numbers of rows.
 */
export async function openWithVocabulary(
  path: string,
  { families, adapters = [], addTokens = [] }: VocabularyChoice,
): Promise<OpenedModel> {
  const source = await openModel(path);
  try {
    const family = await familyOfModel(source, { families });
    const found: AdapterVocabulary[] = [];
    for (const folder of adapters) found.push(await adapterVocabulary(folder, family));
    const tokenizer = found.reduce(chosenTokenizer, source.tokenizer);
    const rows = agreedRows(found);
    const fitted =
      tokenizer === source.tokenizer && rows === undefined
        ? source
        : withVocabulary(source, { tokenizer, rows, families });
    const grown = addTokens.length === 0 ? fitted : withAddedTokens(fitted, addTokens, { families });
    return { source: grown, family, ownTokenizer: grown.tokenizer !== source.tokenizer };
  } catch (error) {
    await source.weights.close();
    throw error;
  }
}

/** The rows of all adapters that hold any. */
function agreedRows(found: readonly AdapterVocabulary[]): number | undefined {
  const [first, ...others] = found.filter(({ rows }) => rows !== undefined);
  const other = others.find(({ rows }) => rows !== first?.rows);
  if (first === undefined || other === undefined) return first?.rows;
  throw new LoranError(
    'VOCABULARY_CONFLICT',
    `The adapter in '${first.folder}' was trained with a vocabulary of ${first.rows} rows, that in '${other.folder}' with ${other.rows}; a model has one. Use them one at a time, or merge one of them first.`,
  );
}
