/**
 * A SentencePiece vocabulary of the BPE kind as a tokenizer.json: tokens with scores, of which two neighbours are joined whenever
 * that makes a token, the highest score first; what no token covers becomes bytes.
 *
 * tokenizer.json wants the pairs by rank: every way to cut a token in two, ordered by the score of the whole, as transformers'
 * converter has it.
 */
import type { TokenizerFiles } from './tokenizer-files.js';

export interface SentencePieceVocabulary {
  /** By id, with ▁ for a space and <0x0A> for a byte. */
  readonly tokens: readonly string[];
  readonly scores: ArrayLike<number>;
  /** Ids that texts never become: control tokens, bytes, the unknown token. */
  readonly apart: ReadonlySet<number>;
  /** Ids of those that stand for something special, such as the end of a text. */
  readonly special: readonly number[];
  /** Ids of tokens that are matched as they stand before anything else. */
  readonly whole?: readonly number[];
  readonly unkId: number;
  /** Put before every text. */
  readonly bosId?: number | undefined;
  /** Put behind every text. */
  readonly eosId?: number | undefined;
  /** Begin every text with a space. */
  readonly prefixSpace: boolean;
}

export function sentencePieceBpe(vocabulary: SentencePieceVocabulary): Pick<TokenizerFiles, 'description'> {
  const { tokens, special, whole = [], unkId, bosId, eosId, prefixSpace } = vocabulary;
  const space = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  return {
    description: {
      version: '1.0',
      added_tokens: [
        ...special.map((id) => addedToken(id, tokens[id]!, true)),
        ...whole.map((id) => addedToken(id, tokens[id]!, false)),
      ],
      normalizer: prefixSpace
        ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, space] }
        : { type: 'Sequence', normalizers: [space] },
      pre_tokenizer: null,
      post_processor: aroundEachText(tokens, bosId, eosId),
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          ...(prefixSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
        ],
      },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: tokens[unkId] ?? null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: true,
        byte_fallback: true,
        ignore_merges: false,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: mergesByScore(vocabulary),
      },
    },
  };
}

export function addedToken(id: number, content: string, special: boolean): Record<string, unknown> {
  return { id, content, special, single_word: false, lstrip: false, rstrip: false, normalized: false };
}

/** The post-processor that puts a begin and an end around every text; `null` for neither. */
export function aroundEachText(
  tokens: readonly string[],
  bosId: number | undefined,
  eosId: number | undefined,
): Record<string, unknown> | null {
  const part = (id: number | undefined, type: number) =>
    id === undefined ? [] : [{ SpecialToken: { id: tokens[id]!, type_id: type } }];
  if (bosId === undefined && eosId === undefined) return null;
  const text = (id: 'A' | 'B', type: number) => [
    ...part(bosId, type),
    { Sequence: { id, type_id: type } },
    ...part(eosId, type),
  ];
  return {
    type: 'TemplateProcessing',
    single: text('A', 0),
    pair: [...text('A', 0), ...text('B', 1)],
    special_tokens: Object.fromEntries(
      [bosId, eosId].flatMap((id) =>
        id === undefined ? [] : [[tokens[id]!, { id: tokens[id]!, ids: [id], tokens: [tokens[id]!] }]],
      ),
    ),
  };
}

function mergesByScore({ tokens, scores, apart }: SentencePieceVocabulary): [string, string][] {
  const ids = new Map<string, number>();
  tokens.forEach((token, id) => {
    if (!apart.has(id)) ids.set(token, id);
  });
  const found: { pair: [string, string]; score: number }[] = [];
  for (const [token, id] of ids) {
    const cuts: { pair: [string, string]; left: number; right: number }[] = [];
    for (let at = 1; at < token.length; at++) {
      const pair: [string, string] = [token.slice(0, at), token.slice(at)];
      const left = ids.get(pair[0]);
      const right = left === undefined ? undefined : ids.get(pair[1]);
      if (left !== undefined && right !== undefined) cuts.push({ pair, left, right });
    }
    cuts.sort((a, b) => a.left - b.left || a.right - b.right);
    found.push(...cuts.map(({ pair }) => ({ pair, score: scores[id]! })));
  }
  return found.sort((a, b) => b.score - a.score).map(({ pair }) => pair);
}
