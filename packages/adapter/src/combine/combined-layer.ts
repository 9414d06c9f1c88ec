/**
 * The updates of several adapters at one module as the factors of one update; see combinations.
 *
 *   side by side   A = [w₁s₁A₁; w₂s₂A₂; …] [Σr, in]          B = [B₁ B₂ …] [out, Σr]
 *   factors        A from ±√|wₖsₖ| and Aₖ, B from √|wₖsₖ| and Bₖ; the sign goes to A alone, or two would cancel
 *   updates        X from wₖ and ΔWₖ = sₖBₖAₖ; X ≈ U diag(S) Vᵀ: A = Vᵀ [r, in], B = U diag(S) [out, r]
 *
 * An embedding's factors are those of the transposed weight, as in lowRankFactors.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { type RandomStream, truncatedSvd } from '@loran/tensor';
import type { AdapterLayer, FactoredUpdate } from '../contract/adapter-method.js';
import type { FrozenWeight } from '../contract/frozen-weight.js';
import type { FactoredLayer } from '../folder/factored-layers.js';
import type { Combination } from './combination-type.js';
import { consensus, type Election, weightedSum } from './consensus.js';
import { keepLargest, keepRandom } from './sparsify.js';

/** One adapter at the module. */
export interface Part {
  readonly adapter: string;
  readonly layer: AdapterLayer;
  readonly weight: number;
  readonly random: RandomStream;
}

export interface Rule extends Combination {
  readonly density: number;
  readonly election: Election;
  readonly rank: number | undefined;
}

export interface CombinedLayer extends FactoredLayer {
  /** ‖X − BA‖ / ‖X‖: what cutting to a rank took. 0 for combinations that cut nothing. */
  readonly lost: number;
}

type Module = Pick<FrozenWeight, 'kind' | 'rows' | 'columns'> & { readonly path: string };

/** Throws NOT_FACTORED, NOT_COMBINABLE, RANK_MISMATCH, INVALID_COMBINATION and NON_FINITE, with the adapter and the path. */
export function combinedLayer(module: Module, parts: readonly Part[], rule: Rule): Promise<CombinedLayer> {
  return { 'side by side': sideBySide, factors: factorwise, updates: truncated }[rule.of](module, parts, rule);
}

async function sideBySide(module: Module, parts: readonly Part[]): Promise<CombinedLayer> {
  const factors = factorsOf(module, parts, 'cat');
  const { A, B } = tf.tidy(() => {
    const scaled = factors.map(({ A, scaling }, k) => tf.mul<Tensor2D>(A, parts[k]!.weight * scaling));
    const A = tf.concat2d(scaled, 0); // [Σr, in]
    const B = tf.concat2d(
      factors.map((factor) => factor.B),
      1,
    ); // [out, Σr]
    const [rank, out, inputs] = [A.shape[0], B.shape[0], A.shape[1]];
    if (rank <= Math.min(out, inputs)) return { A, B };
    const product = tf.matMul<Tensor2D>(B, A); // no factor need have more rows or columns than the update
    return out <= inputs ? { A: product, B: tf.eye(out) } : { A: tf.eye(inputs), B: product };
  });
  release(factors);
  return layerOf(A, B, 0);
}

async function factorwise(module: Module, parts: readonly Part[], rule: Rule): Promise<CombinedLayer> {
  const factors = factorsOf(module, parts, 'this type');
  try {
    return await combinedFactors(module, parts, rule, factors);
  } finally {
    release(factors);
  }
}

async function combinedFactors(
  module: Module,
  parts: readonly Part[],
  rule: Rule,
  factors: readonly FactoredUpdate[],
): Promise<CombinedLayer> {
  const rank = factors[0]!.A.shape[0];
  const other = factors.findIndex((factor) => factor.A.shape[0] !== rank);
  if (other >= 0) {
    throw new LoranError(
      'RANK_MISMATCH',
      `At '${module.path}' ${parts[0]!.adapter} has rank ${rank} and ${parts[other]!.adapter} ${factors[other]!.A.shape[0]}; factors of different ranks cannot be combined one by one. Use 'cat', or a type that ends in svd.`,
    );
  }
  const roots = factors.map(({ scaling }, k) => Math.sqrt(Math.abs(parts[k]!.weight * scaling)));
  const signed = roots.map((root, k) => (parts[k]!.weight < 0 ? -root : root));
  const values = async (name: 'A' | 'B', weights: number[]) =>
    combined(
      await Promise.all(factors.map((factor, k) => valuesOf(module, parts[k]!, factor[name]))),
      weights,
      parts,
      rule,
      name,
    );
  return { A: await values('A', signed), B: await values('B', roots), rank, lost: 0 };
}

async function truncated(module: Module, parts: readonly Part[], rule: Rule): Promise<CombinedLayer> {
  const { kind, rows, columns, path } = module;
  const ranks = parts.map(({ layer }) => rankOf(layer) ?? rule.rank ?? unknownRank(module));
  const rank = Math.min(rule.rank ?? Math.max(...ranks), rows, columns);
  const updates: Float32Array[] = [];
  for (const part of parts) {
    const delta = part.layer.delta();
    try {
      if (delta.weight === undefined || delta.rows !== undefined || delta.bias !== undefined) {
        throw new LoranError(
          'NOT_COMBINABLE',
          `${part.adapter} changes ${delta.bias === undefined ? 'single rows' : 'the bias'} of '${path}', which no product of two factors does. Leave it out, or merge the adapters instead.`,
        );
      }
      updates.push(await valuesOf(module, part, delta.weight));
    } finally {
      tf.dispose([delta.weight ?? [], delta.rows?.values ?? [], delta.bias ?? []]);
    }
  }
  const weights = parts.map(({ weight }) => weight);
  const sum = tf.tensor2d(combined(updates, weights, parts, rule, 'update'), [rows, columns]);
  const X = kind === 'embedding' ? tf.transpose(sum) : sum; // [out, in], [width, vocabulary]
  const { U, S, V } = await truncatedSvd(X, rank);
  const { A, B, figures } = tf.tidy(() => {
    const [A, B] = [tf.transpose<Tensor2D>(V), tf.mul<Tensor2D>(U, tf.tensor1d(Float32Array.from(S)))];
    return { A, B, figures: tf.stack([tf.norm(tf.sub(X, tf.matMul(B, A))), tf.norm(X)]) };
  });
  const [rest = Number.NaN, whole = Number.NaN] = await figures.data<'float32'>();
  tf.dispose([sum, X, U, V, figures]);
  return layerOf(A, B, whole === 0 ? 0 : rest / whole);
}

function combined(
  values: readonly Float32Array[],
  weights: readonly number[],
  parts: readonly Part[],
  { sparsify, votes, density, election }: Rule,
  label: string,
): Float32Array<ArrayBuffer> {
  const kept = values.map((own, k) => {
    if (sparsify === undefined) return own;
    return sparsify === 'largest'
      ? keepLargest(own, density)
      : keepRandom(own, density, parts[k]!.random.derive(label));
  });
  return Float32Array.from(votes === true ? consensus(kept, weights, election) : weightedSum(kept, weights));
}

function factorsOf({ path }: Module, parts: readonly Part[], type: string): FactoredUpdate[] {
  const other = parts.find(({ layer }) => layer.factored === undefined);
  if (other === undefined) return parts.map(({ layer }) => layer.factored!());
  throw new LoranError(
    'NOT_FACTORED',
    `The update of '${path}' by ${other.adapter} is no plain product of two factors, which ${type} combines. Use a type that ends in svd.`,
  );
}

/** Frees factors that were made for the call. */
function release(factors: readonly FactoredUpdate[]): void {
  for (const { release } of factors) release?.();
}

function rankOf(layer: AdapterLayer): number | undefined {
  const factors = layer.factored?.();
  factors?.release?.();
  return factors?.A.shape[0];
}

function unknownRank({ path }: Module): never {
  throw new LoranError(
    'INVALID_COMBINATION',
    `combine: at '${path}' an update is no product of two factors, so that no rank follows from it. Give the rank of the new adapter.`,
  );
}

async function layerOf(A: Tensor2D, B: Tensor2D, lost: number): Promise<CombinedLayer> {
  const values = async (tensor: Tensor) => Float32Array.from(await tensor.data<'float32'>());
  const layer = { A: await values(A), B: await values(B), rank: A.shape[0], lost };
  tf.dispose([A, B]);
  return layer;
}

async function valuesOf({ path }: Module, { adapter }: Part, tensor: Tensor): Promise<Float32Array> {
  const values = Float32Array.from(await tensor.data<'float32'>());
  if (values.every(Number.isFinite)) return values;
  throw new LoranError(
    'NON_FINITE',
    `The update of '${path}' by ${adapter} holds NaN or infinite values. Nothing was combined.`,
  );
}
