/**
 * LoftQ: the factors make up for what quantising took from the weight (Li et al., ICLR 2024, arXiv 2310.08659).
 *
 *   Q₁ = quant(W);          s·BₜAₜ = svdᵣ(W − Qₜ);          Qₜ₊₁ = quant(W − s·BₜAₜ)
 *
 * One round leaves the quantised base as it is, so the adapter goes with any copy of it. Each further one quantises again, in
 * the base's own storage, and the base is another while the adapter is active. PEFT leaves out s, and takes α = r for granted.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { FrozenWeight, LayerRequest } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import type { ModuleScaling } from '../module-scaling.js';
import { principalFactors } from './pissa.js';
import type { Factors } from './start.js';

/** Throws LOFTQ_BASE where there is nothing to make up for, or no weight to compare with. */
export async function loftq(request: LayerRequest, scaling: ModuleScaling, iterations: number): Promise<Factors> {
  const { path, frozen } = request;
  if (request.original === undefined) {
    throw new LoranError(
      'LOFTQ_BASE',
      `init 'loftq' compares the base with the weights before quantising, which are not at hand for '${path}': the base is exact, or its file holds them quantised. Load a checkpoint of floats with a quantised base (--base nf4), or choose another init.`,
    );
  }
  const weight = await request.original();
  try {
    if (await isExact(frozen, weight)) {
      throw new LoranError(
        'LOFTQ_BASE',
        `init 'loftq' makes up for the rounding of the base; '${path}' is kept exactly (${frozen.storage}). Use a quantised base (--base nf4), or another init.`,
      );
    }
    return await rounds(request, weight, scaling, iterations);
  } finally {
    weight.dispose();
  }
}

async function rounds(
  { frozen, replace }: LayerRequest,
  weight: Tensor2D,
  { rank, scaling }: ModuleScaling,
  iterations: number,
): Promise<Factors> {
  let [base, factors] = [frozen, await lost(frozen, weight, rank, scaling)];
  for (let round = 1; round < iterations; round++) {
    const { A, B } = factors;
    const rest = tf.tidy(() => tf.sub<Tensor2D>(weight, tf.mul(tf.matMul(B, A), scaling)));
    const next = await frozen.with(rest);
    if (base !== frozen) base.dispose();
    tf.dispose([rest, A, B]);
    base = next;
    factors = await lost(base, weight, rank, scaling);
  }
  if (base !== frozen) replace(base);
  return factors;
}

async function lost(base: FrozenWeight, weight: Tensor2D, rank: number, scaling: number): Promise<Factors> {
  const residual = tf.tidy(() => tf.sub<Tensor2D>(weight, base.weight()));
  try {
    return await principalFactors(residual, rank, scaling);
  } finally {
    residual.dispose();
  }
}

async function isExact(base: FrozenWeight, weight: Tensor2D): Promise<boolean> {
  const largest = tf.tidy(() => tf.max(tf.abs(tf.sub(weight, base.weight()))));
  const [difference] = await largest.data();
  largest.dispose();
  return difference === 0;
}
