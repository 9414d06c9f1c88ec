/** Whether a tokenizer.json describes a tokenizer: checked before anything is built of it, so that an error names the field. */
import { ModelError } from '../model-error.js';
import type { AddedToken } from './added-tokens.js';

type Fields = Readonly<Record<string, unknown>>;

/** A description whose model, vocabulary, merges and added tokens are known to fit together. */
export interface CheckedDescription extends Fields {
  readonly model: Fields & { readonly type: 'BPE' | 'Unigram' | 'WordPiece' | 'WordLevel' };
  readonly added_tokens: readonly AddedToken[];
}

const modelTypes = ['BPE', 'Unigram', 'WordPiece', 'WordLevel'] as const;
const largestId = 2 ** 24; // forty times the largest vocabulary there is; ids index arrays

/** `name`: where it comes from, for errors. Throws INVALID_TOKENIZER. */
export function checkDescription(name: string, description: unknown): CheckedDescription {
  const refuse = (field: string, complaint: string): ModelError =>
    new ModelError(
      'INVALID_TOKENIZER',
      `${name}: field '${field}' ${complaint}. Take the tokenizer.json published with the model.`,
    );
  if (!isFields(description)) throw new ModelError('INVALID_TOKENIZER', `${name} does not hold a JSON object.`);
  const { model, added_tokens: added = [] } = description;
  if (!isFields(model)) throw refuse('model', 'is missing, so there is no vocabulary');
  const type = model['type'] ?? impliedType(model);
  const known = modelTypes.find((one) => one === type);
  if (known === undefined) throw refuse('model.type', `is ${JSON.stringify(type)}; known are ${modelTypes.join(', ')}`);
  const checkVocabulary = known === 'Unigram' ? checkPieces : checkIds;
  const complaint = checkVocabulary(model) ?? (known === 'BPE' ? checkMerges(model) : undefined) ?? checkAdded(added);
  if (complaint !== undefined) throw refuse(...complaint);
  return {
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...description,
    model: { ...model, type: known },
    added_tokens: added as readonly AddedToken[],
  };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Complaint = [field: string, complaint: string] | undefined;

/** Files of the first versions name no type. */
function impliedType(model: Fields): string | undefined {
  if (Array.isArray(model['vocab'])) return 'Unigram';
  if (model['merges'] !== undefined) return 'BPE';
  return model['continuing_subword_prefix'] === undefined ? undefined : 'WordPiece';
}

const isId = (id: unknown): id is number => Number.isInteger(id) && (id as number) >= 0 && (id as number) < largestId;

function checkIds({ vocab }: Fields): Complaint {
  if (!isFields(vocab)) return ['model.vocab', 'is no object of tokens and their ids'];
  const wrong = Object.entries(vocab).find(([, id]) => !isId(id));
  return (
    wrong && [
      'model.vocab',
      `gives the token ${JSON.stringify(wrong[0])} the id ${JSON.stringify(wrong[1])}; expected a whole number from 0 to ${largestId - 1}`,
    ]
  );
}

function checkPieces({ vocab, unk_id: unknown }: Fields): Complaint {
  if (!Array.isArray(vocab) || vocab.length === 0) return ['model.vocab', 'is no list of pieces and their scores'];
  const wrong = vocab.findIndex(
    (piece: unknown) => !Array.isArray(piece) || typeof piece[0] !== 'string' || !Number.isFinite(piece[1]),
  );
  if (wrong >= 0)
    return [`model.vocab[${wrong}]`, `is ${JSON.stringify(vocab[wrong])}; expected a piece and its score`];
  if (unknown == null || (isId(unknown) && unknown < vocab.length)) return undefined;
  return ['model.unk_id', `is ${JSON.stringify(unknown)}, no place in the vocabulary of ${vocab.length} pieces`];
}

function checkMerges({ vocab, merges, continuing_subword_prefix: prefix }: Fields): Complaint {
  if (!Array.isArray(merges))
    return ['model.merges', 'is missing, so that no token of several characters can come about'];
  if (typeof prefix === 'string' && prefix !== '') {
    return ['model.continuing_subword_prefix', `is ${JSON.stringify(prefix)}, which is not supported for BPE`];
  }
  for (const [i, merge] of merges.entries()) {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((part) => typeof part === 'string')) {
      return [`model.merges[${i}]`, `is ${JSON.stringify(merge)}; expected two tokens`];
    }
    const absent = [...(pair as string[]), pair.join('')].find((token) => !Object.hasOwn(vocab as object, token));
    if (absent === undefined) continue;
    return [`model.merges[${i}]`, `needs the token ${JSON.stringify(absent)}, which model.vocab has not`];
  }
  return undefined;
}

function checkAdded(added: unknown): Complaint {
  if (!Array.isArray(added)) return ['added_tokens', 'is no list'];
  const wrong = added.findIndex(
    (token: unknown) =>
      !isFields(token) || !isId(token['id']) || typeof token['content'] !== 'string' || token['content'] === '',
  );
  return wrong < 0
    ? undefined
    : [`added_tokens[${wrong}]`, `is ${JSON.stringify(added[wrong])}; expected an id and a text`];
}
