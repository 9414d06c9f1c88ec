/**
 * EVA: A starts in the directions in which a module's inputs vary most, and ranks go to the modules where that explains most
 * (Paischer et al. 2024, arXiv 2410.07170).
 *
 *   C = Σ (x − x̄)(x − x̄)ᵀ over all tokens of some examples = V diag(S²) Vᵀ          A = V[:, :r]ᵀ [r, in]          B = 0
 *
 *   share of direction k: S²ₖ / tr C.          The (modules · r) largest shares of all modules, at most ρ·r of each, make the ranks.
 *
 * The paper and PEFT update a truncated decomposition batch by batch until it settles; here C [in, in] is summed over the
 * examples and decomposed once, which is exact for them. Modules that are given the same tensor (query, key, value) share one C.
 * A module that is left with rank 0 gets no adapter.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { pathPattern, type Context, type LayerRequest } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { truncatedSvd } from '@loran/tensor';
import type { LoraConfig } from '../lora-config.js';
import { moduleScaling } from '../module-scaling.js';
import { keyOf } from './start.js';

/** The configuration with the ranks and alphas that the data decide. Throws EVA_DATA without data, or with too few. */
export async function eva(layers: readonly LayerRequest[], config: LoraConfig, context: Context): Promise<LoraConfig> {
  const seen = await inputsOf(layers, config.eva.examples, context);
  const ranks = new Map(layers.map(({ path }) => [path, moduleScaling(config, path).rank]));
  const most = (path: string, columns: number) => Math.min(Math.round(ranks.get(path)! * config.eva.rho), columns);
  const directions = new Map<Inputs, Directions>();
  try {
    for (const [inputs, modules] of grouped(layers, seen)) {
      const width = Math.max(...modules.map(({ path, frozen }) => most(path, Math.min(frozen.rows, frozen.columns))));
      directions.set(inputs, await inputs.directions(width, modules[0]!.path));
    }
    const at = (path: string) => directions.get(seen.get(path)!)!;
    const limit = ({ path, frozen }: LayerRequest) => most(path, Math.min(frozen.rows, frozen.columns));
    const given = distribute(
      layers.map((layer) => ({ path: layer.path, shares: at(layer.path).shares.slice(0, limit(layer)) })),
      [...ranks.values()].reduce((sum, rank) => sum + rank, 0),
    );
    for (const { path, leaveOut } of layers) {
      const rank = given.get(path)!;
      if (rank === 0) leaveOut();
      else keep(path, at(path), rank, config, context);
    }
    return withRanks(layers, given, config);
  } finally {
    for (const made of directions.values()) made.dispose();
    for (const inputs of new Set(seen.values())) inputs.dispose();
  }
}

/** What each module is given while the data pass through the model: module path -> its inputs, shared where they are the same. */
async function inputsOf(
  layers: readonly LayerRequest[],
  examples: number,
  { calibrate }: Context,
): Promise<ReadonlyMap<string, Inputs>> {
  if (calibrate === undefined) {
    throw new LoranError(
      'EVA_DATA',
      "init 'eva' looks at what the modules compute for examples of the data, and none are at hand. Train from the command line or a lab, or pass `calibrate` to AdapterSet.add.",
    );
  }
  const seen = new Map<string, Inputs>();
  const byTensor = new Map<number, Inputs>();
  for (const { path, watch } of layers) {
    watch((x) => {
      const inputs = seen.get(path) ?? byTensor.get(x.id) ?? new Inputs(x.shape.at(-1) ?? 1);
      seen.set(path, inputs);
      if (byTensor.get(x.id) === inputs) return; // another module has added it
      byTensor.set(x.id, inputs);
      inputs.add(x);
    });
  }
  try {
    await calibrate(examples);
  } catch (error) {
    for (const inputs of new Set(seen.values())) inputs.dispose();
    throw error;
  }
  const missing = layers.find(({ path }) => !seen.has(path));
  if (missing === undefined) return seen;
  for (const inputs of new Set(seen.values())) inputs.dispose();
  throw new LoranError(
    'EVA_DATA',
    `init 'eva': no example of the data passed through '${missing.path}'. Give data, or leave the module out.`,
  );
}

/** Sums over the inputs of a module. */
class Inputs {
  #count = 0;
  #sum: Tensor1D; // Σ x [in]
  #squares: Tensor2D; // Σ x xᵀ [in, in]

  constructor(columns: number) {
    this.#sum = tf.keep(tf.zeros([columns]));
    this.#squares = tf.keep(tf.zeros([columns, columns]));
  }

  add(x: Tensor): void {
    const columns = this.#sum.size;
    this.#count += x.size / columns;
    const [sum, squares] = tf.tidy(() => {
      const flat = tf.reshape(x, [-1, columns]) as Tensor2D; // [tokens, in]
      return [
        tf.keep(tf.add<Tensor1D>(this.#sum, tf.sum(flat, 0))),
        tf.keep(tf.add<Tensor2D>(this.#squares, tf.matMul(flat, flat, true))),
      ] as const;
    });
    this.dispose();
    [this.#sum, this.#squares] = [sum, squares];
  }

  async directions(rank: number, path: string): Promise<Directions> {
    const covariance = tf.tidy(() => {
      const column = tf.expandDims<Tensor2D>(this.#sum, 1); // [in, 1]
      return tf.sub<Tensor2D>(this.#squares, tf.div(tf.matMul(column, column, false, true), this.#count));
    });
    const total = tf.tidy(() => tf.sum(tf.mul(covariance, tf.eye(this.#sum.size))));
    const [[variance = 0], { U, S, V }] = await Promise.all([total.data(), truncatedSvd(covariance, rank)]);
    tf.dispose([covariance, total, U]);
    if (variance > 0 && this.#count > rank) {
      return { V, squares: [...S], shares: [...S].map((square) => square / variance), dispose: () => V.dispose() };
    }
    V.dispose();
    throw new LoranError(
      'EVA_DATA',
      `init 'eva': '${path}' saw ${this.#count} tokens, too few or too alike for ${rank} directions. Give more data, or a lower rank or rho.`,
    );
  }

  dispose(): void {
    tf.dispose([this.#sum, this.#squares]);
  }
}

interface Directions {
  readonly V: Tensor2D; // [in, rank]
  /** Squared singular values of the centred inputs, descending. */
  readonly squares: readonly number[];
  /** The same as shares of all variance. */
  readonly shares: readonly number[];
  dispose(): void;
}

function grouped(
  layers: readonly LayerRequest[],
  seen: ReadonlyMap<string, Inputs>,
): ReadonlyMap<Inputs, readonly LayerRequest[]> {
  const groups = new Map<Inputs, LayerRequest[]>();
  for (const layer of layers) {
    const inputs = seen.get(layer.path)!;
    groups.set(inputs, [...(groups.get(inputs) ?? []), layer]);
  }
  return groups;
}

/** How many of the `budget` largest shares each module has; of equal ones the earlier module's counts first. */
export function distribute(
  modules: readonly { readonly path: string; readonly shares: readonly number[] }[],
  budget: number,
): ReadonlyMap<string, number> {
  const all = modules.flatMap(({ path, shares }) => shares.map((share) => ({ path, share })));
  const ranks = new Map(modules.map(({ path }) => [path, 0]));
  for (const { path } of all.sort((a, b) => b.share - a.share).slice(0, budget)) ranks.set(path, ranks.get(path)! + 1);
  return ranks;
}

function keep(path: string, { V, squares }: Directions, rank: number, { eva }: LoraConfig, { shared }: Context): void {
  const A = tf.tidy(() => {
    const leading = tf.slice(V, [0, 0], [V.shape[0], rank]); // [in, r]
    const lengths = tf.tensor1d(squares.slice(0, rank).map((square) => square ** 0.25)); // √S
    return tf.transpose<Tensor2D>(eva.whiten ? tf.div<Tensor2D>(leading, lengths) : leading);
  });
  shared.set(keyOf(path, 'A'), A);
}

function withRanks(
  layers: readonly LayerRequest[],
  given: ReadonlyMap<string, number>,
  config: LoraConfig,
): LoraConfig {
  const [rankPattern, alphaPattern]: Record<string, number>[] = [{}, {}];
  for (const { path } of layers) {
    const { rank: asked, alpha: numerator } = moduleScaling(config, path);
    const rank = given.get(path)!;
    if (rank === 0) continue;
    const alpha = config.eva.adjustScaling ? (numerator * rank) / asked : numerator;
    if (rank !== asked) rankPattern![pathPattern(path)] = rank;
    if (alpha !== numerator) alphaPattern![pathPattern(path)] = alpha;
  }
  return {
    ...config,
    rankPattern: { ...rankPattern, ...config.rankPattern },
    alphaPattern: { ...alphaPattern, ...config.alphaPattern },
  };
}
