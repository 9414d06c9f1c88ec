/**
 * Some rows of an embedding, trained whole beside the adapter: PEFT's `trainable_token_indices`, for new or rare tokens.
 *
 *   row i of W' = t_k for i = ids[k], else row i of W          t [ids, width] starts at those rows
 *
 * A head that is the embedding's own weight goes on being it: its scores of these tokens change with them, x·(t − W[ids])ᵀ.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import type { Adaptable, AdapterLayer, FrozenWeight } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { linear, variable } from '@loran/tensor';

/** Ids of the model's embedding, or of embeddings by the end of their path. */
export type TokenRows = readonly number[] | Readonly<Record<string, readonly number[]>>;

/**
 * Module path -> layer, of the embeddings and of heads tied to them. Throws INVALID_TOKENS for ids that an embedding does not have
 * or that come twice, UNKNOWN_MODULE, and TIED_TARGETS where the embedding or its head has another layer of the adapter.
 */
export function tokenRows(
  model: Adaptable,
  rows: TokenRows,
  taken: Pick<ReadonlySet<string>, 'has'>,
): ReadonlyMap<string, AdapterLayer> {
  const modules = model.modules();
  const layers = new Map<string, AdapterLayer>();
  for (const [path, ids] of placesOf(model, rows)) {
    const { frozen } = modules.get(path)!;
    const heads = headsOf(model, path);
    for (const own of [path, ...heads]) refuseTaken(own, taken);
    refuseIds(path, ids, frozen);
    const embedding = embeddingRows(frozen, ids);
    layers.set(path, embedding);
    for (const head of heads) layers.set(head, headRows(modules.get(head)!.frozen, embedding));
  }
  return layers;
}

/** Heads that are the weight of the embedding at `path`. */
export const headsOf = ({ tied = new Map() }: Adaptable, path: string): string[] =>
  [...tied].flatMap(([head, embedding]) => (embedding === path ? [head] : []));

export function embeddingRows(frozen: FrozenWeight, ids: readonly number[]): AdapterLayer {
  const original = tf.tidy(() => frozen.apply(tf.tensor1d([...ids], 'int32'))) as Tensor2D; // [ids, width]
  const tokens = variable(tf.clone(original)) as Variable<Rank.R2>;
  const places = new Int32Array(frozen.rows).fill(ids.length); // the row of zeros behind the changes
  ids.forEach((id, k) => (places[id] = k));
  const place = tf.tensor1d(places, 'int32'); // [vocabulary]
  const change = () => tf.sub<Tensor2D>(tokens, original);
  return {
    parameters: new Map([['tokens', tokens]]),
    forward: (x, next, { scale }) => {
      const changes = tf.concat2d([tf.mul<Tensor2D>(change(), scale), tf.zeros<Rank.R2>([1, frozen.columns])], 0);
      return tf.add(next(x), tf.gather(changes, tf.gather(place, tf.cast(x, 'int32'))));
    },
    delta: () => ({ rows: { indices: ids, values: change() } }),
    dispose: () => tf.dispose([original, tokens, place]),
  };
}

/** The same change of a head that is the embedding's weight. */
export function headRows(frozen: FrozenWeight, embedding: AdapterLayer): AdapterLayer {
  const rows = () => embedding.delta().rows!; // indices [ids], values [ids, width]
  return {
    parameters: new Map(),
    tiedTo: embedding,
    forward: (x, next, { scale }) => {
      const { indices, values } = rows();
      const scores = linear(x, tf.mul<Tensor2D>(values, scale)); // [..., ids]
      const places = tf.oneHot(tf.tensor1d([...indices], 'int32'), frozen.rows);
      const spread = tf.transpose(places) as Tensor2D; // [vocabulary, ids]
      return tf.add<Tensor>(next(x), linear(scores, tf.cast(spread, 'float32')));
    },
    delta: () => ({ rows: rows() }),
    dispose: () => {},
  };
}

function placesOf(model: Adaptable, rows: TokenRows): ReadonlyMap<string, readonly number[]> {
  const embeddings = [...model.modules()].filter(([, { frozen }]) => frozen.kind === 'embedding');
  const names = embeddings.map(([path]) => path).join(', ') || 'no embedding';
  if (isList(rows)) {
    const [largest] = embeddings.toSorted(([, a], [, b]) => b.frozen.rows - a.frozen.rows);
    if (largest !== undefined) return new Map([[largest[0], rows]]);
    throw new LoranError('UNKNOWN_MODULE', 'trainableTokens: the model has no embedding.');
  }
  return new Map(
    Object.entries(rows).map(([name, ids]) => {
      const found = embeddings.filter(([path]) => path === name || path.endsWith(`.${name}`));
      if (found.length === 1) return [found[0]![0], ids] as const;
      throw new LoranError(
        'UNKNOWN_MODULE',
        `trainableTokens names '${name}', which is ${found.length === 0 ? 'no embedding' : 'several embeddings'} of this model; it has ${names}.`,
      );
    }),
  );
}

const isList = (rows: TokenRows): rows is readonly number[] => Array.isArray(rows);

export function refuseTaken(path: string, taken: Pick<ReadonlySet<string>, 'has'>): void {
  if (!taken.has(path)) return;
  throw new LoranError(
    'TIED_TARGETS',
    `trainableTokens trains rows of '${path}', which the adapter is on already, as a target module or in modulesToSave. Take it out of one of them.`,
  );
}

export function refuseIds(path: string, ids: readonly number[], { rows }: FrozenWeight): void {
  const strange = ids.find((id) => id >= rows);
  if (strange !== undefined) {
    throw new LoranError(
      'INVALID_TOKENS',
      `trainableTokens names the token ${strange}; '${path}' has ${rows}, so ids are 0 to ${rows - 1}.`,
    );
  }
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice === undefined) return;
  throw new LoranError(
    'INVALID_TOKENS',
    `trainableTokens names the token ${twice} of '${path}' twice. Name each once.`,
  );
}
