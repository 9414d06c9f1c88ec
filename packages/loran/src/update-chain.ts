/**
 * What stands inside a LoRAN update: the product of the factors, and the chain that the authors' full form puts behind it.
 *
 *   Z₀ = B·A                      [out, r₁]      A [r, r₁]        B [out, r]
 *   Zᵢ = f(Zᵢ₋₁)·Pᵢ + bᵢᵀ         [out, rᵢ₊₁]    Pᵢ [rᵢ, rᵢ₊₁]    bᵢ [rᵢ₊₁, 1], the same for every row      i = 1 … depth
 *   ΔW = scaling · Z_depth        [out, in]
 *
 * Without projections every width is in: f is applied `depth` times to [out, in]. The plain form, f(B·A), has depth 1 and neither
 * P nor b. The authors write all of it transposed, H = (B·A)ᵀ and H ← Pᵀ·f(H) + b; without P theirs needs in = out, this does not.
 * Of an embedding the chain gives the transposed weight, as lowRankFactors does: in is the vocabulary, out the width.
 *
 * Start: without projections as LoRA (one factor 0). With them the authors start B and the last P at 0, where each keeps the gradient from the
 * other for ever; here A, B and the hidden P are Kaiming uniform and the last P is 0, so that the update starts at 0 whatever f is, and learns.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { lowRankFactors, type Context, type FrozenWeight } from '@loran/adapter';
import { variable } from '@loran/tensor';

export interface ChainOptions {
  readonly rank: number;
  readonly init: 'kaiming' | 'gaussian';
  readonly depth: number;
  /** Widths r₁ … r_depth; empty without projections. */
  readonly projections: readonly number[];
  readonly biases: boolean;
}

export interface UpdateChain {
  readonly A: Variable<Rank.R2>;
  /** Every trained tensor by its short name, A first: 'A', 'B', 'P1', 'b1', …; of an embedding 'embeddingA', … */
  readonly parameters: ReadonlyMap<string, Variable>;
  /** What f is applied to first: Z₀, of an embedding Z₀ᵀ. `from` stands in for A: see `after`. */
  readonly product: (from?: Tensor2D) => Tensor2D;
  /** The update without its scaling [rows, columns]. */
  update(f: (z: Tensor2D) => Tensor2D, from?: Tensor2D): Tensor2D;
  dispose(): void;
}

/** Throws INVALID_RANK without projections; with them any rank is one. */
export function updateChain(
  frozen: Pick<FrozenWeight, 'kind' | 'rows' | 'columns'>,
  options: ChainOptions,
  context: Pick<Context, 'path' | 'random'>,
): UpdateChain {
  const { depth, projections, biases } = options;
  const isLinear = frozen.kind === 'linear';
  const width = isLinear ? frozen.columns : frozen.rows; // the authors' in
  const factors =
    projections.length > 0 ? wideFactors(frozen, options, context) : lowRankFactors(frozen, options, context);
  const { A, B } = factors;
  const steps = Array.from({ length: depth }, (_, i) => {
    const size = projections[i + 1] ?? width;
    return {
      P: projections.length > 0 ? projection(i, [projections[i]!, size], i === depth - 1, context) : undefined,
      b: biases ? variable(tf.zeros<Rank.R2>([size, 1])) : undefined,
    };
  });

  /** f's result through one step. Of an embedding everything is transposed. */
  const through = (z: Tensor2D, { P, b }: (typeof steps)[number]): Tensor2D => {
    const projected = P === undefined ? z : isLinear ? tf.matMul<Tensor2D>(z, P) : tf.matMul<Tensor2D>(P, z, true);
    return b === undefined ? projected : tf.add<Tensor2D>(projected, isLinear ? tf.transpose(b) : b);
  };

  const named = (name: string) => (isLinear ? name : `embedding${name}`);
  const parameters = new Map<string, Variable>([
    [named('A'), A],
    [named('B'), B],
    ...steps.flatMap(({ P, b }, i) => [
      ...(P === undefined ? [] : [[named(`P${i + 1}`), P] as const]),
      ...(b === undefined ? [] : [[named(`b${i + 1}`), b] as const]),
    ]),
  ]);
  return {
    A,
    parameters,
    product: (from) => factors.product(from),
    update: (f, from) => steps.reduce((z, step) => through(f(z), step), factors.product(from)),
    dispose: () => {
      for (const parameter of parameters.values()) parameter.dispose();
    },
  };
}

/** A [r, r₁] and B [out, r] in front of projections. */
function wideFactors(
  { kind, rows, columns }: Pick<FrozenWeight, 'kind' | 'rows' | 'columns'>,
  { rank, init, projections }: ChainOptions,
  { random }: Pick<Context, 'random'>,
): { A: Variable<Rank.R2>; B: Variable<Rank.R2>; product: (from?: Tensor2D) => Tensor2D } {
  const shape = [rank, projections[0]!];
  const stream = random.derive('A');
  const A = variable(init === 'gaussian' ? (stream.normal(shape, 0, 1 / rank) as Tensor2D) : kaiming(stream, shape));
  const B = variable(kaiming(random.derive('B'), [kind === 'linear' ? rows : columns, rank]));
  return {
    A,
    B,
    product: (from = A) => (kind === 'linear' ? tf.matMul(B, from) : tf.matMul(from, B, true, true)),
  };
}

function projection(
  index: number,
  shape: [number, number],
  last: boolean,
  { random }: Pick<Context, 'random'>,
): Variable<Rank.R2> {
  return variable(last ? tf.zeros<Rank.R2>(shape) : kaiming(random.derive(`P${index + 1}`), shape));
}

/** Uniform in ±1/√columns: what torch's kaiming_uniform gives with a = √5. */
function kaiming(stream: Context['random'], shape: number[]): Tensor2D {
  const bound = 1 / Math.sqrt(shape[1]!);
  return stream.uniform(shape, -bound, bound) as Tensor2D;
}
