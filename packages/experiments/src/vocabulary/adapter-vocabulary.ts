/** What an adapter's folder says of the vocabulary that it was trained with: its tokenizer, and the rows that it holds. */
import fs from 'node:fs/promises';
import { hasAdapterWeights, openAdapterWeights } from '@loran/adapter';
import { loadTokenizer, type ModelFamily, type Tokenizer } from '@loran/models';
import { LoranError } from '@loran/plugin';

export interface AdapterVocabulary {
  readonly folder: string;
  /** The tokenizer saved with the adapter, as transformers' users do; absent where there is none. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Rows of the embedding, or of an update of it, in the adapter's file; absent where it holds neither. */
  readonly rows?: number | undefined;
}

/** Of a folder in PEFT's layout; nothing of any other. Throws INVALID_TOKENIZER, and what the weights' reader throws. */
export async function adapterVocabulary(folder: string, family: ModelFamily): Promise<AdapterVocabulary> {
  const entries: readonly string[] = await fs.readdir(folder).catch(() => []);
  return {
    folder,
    tokenizer: entries.includes('tokenizer.json') ? await loadTokenizer(folder) : undefined,
    rows: (await hasAdapterWeights(folder)) ? await rowsOf(folder, family) : undefined,
  };
}

/** From the shapes in the file's header alone. */
async function rowsOf(folder: string, { vocabularyModules = [] }: ModelFamily): Promise<number | undefined> {
  const opened = await openAdapterWeights(folder);
  try {
    for (const [key, { shape }] of opened.tensors) {
      const [module = '', ending] = key.split('.').slice(-2);
      if (!vocabularyModules.includes(module)) continue;
      if (ending === 'weight') return shape[0]; // [vocabulary, width]
      if (ending?.endsWith('_embedding_A') === true) return shape[1]; // [rank, vocabulary]
    }
    return undefined;
  } finally {
    await opened.close();
  }
}

/**
 * The tokenizer of an adapter where it has tokens that the model's lacks, else the model's own. Throws TOKENIZER_MISMATCH where a
 * token that both know has two ids: then the adapter has learned other numbers than the model reads.
 */
export function chosenTokenizer(own: Tokenizer, { folder, tokenizer }: AdapterVocabulary): Tokenizer {
  if (tokenizer === undefined) return own;
  const [ids, others] = [idsOf(own), idsOf(tokenizer)];
  let further = false;
  for (const [token, id] of others) {
    const known = ids.get(token);
    if (known === undefined) further = true;
    else if (known !== id) {
      throw new LoranError(
        'TOKENIZER_MISMATCH',
        `The tokenizer in '${folder}' gives ${JSON.stringify(token)} the id ${id}, the base model's gives it ${known}. Take the base model that the adapter was trained on; or remove the adapter's tokenizer.json, if it was left there by mistake.`,
      );
    }
  }
  return further ? tokenizer : own;
}

/** Every token's id, the added ones on top. */
function idsOf({ files }: Tokenizer): ReadonlyMap<string, number> {
  const { model, added_tokens: added = [] } = (files?.description ?? {}) as {
    model?: { vocab?: Readonly<Record<string, number>> | readonly (readonly [string, number])[] };
    added_tokens?: readonly { readonly id: number; readonly content: string }[];
  };
  const vocab = model?.vocab ?? {};
  const pieces = Array.isArray(vocab)
    ? (vocab as readonly (readonly [string, number])[]).map(([piece], id) => [piece, id] as const)
    : Object.entries(vocab as Readonly<Record<string, number>>);
  return new Map([...pieces, ...added.map(({ content, id }) => [content, id] as const)]);
}
