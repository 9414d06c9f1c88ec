/** What a configuration says of one module: its rank, its scaling, its activation. */
import * as tf from '@tensorflow/tfjs-core';
import { resolveActivation, type ActivationSpec, type ResolvedActivation } from '@loran/activations';
import { patternValue, type Context, type FrozenWeight } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import type { LoranConfig } from './loran-config.js';

/** The spec of the activation at `path`. */
export const activationAt = ({ activation, activationPattern }: LoranConfig, path: string): ActivationSpec =>
  patternValue(activationPattern, path) ?? activation;

export const rankAt = ({ rank, rankPattern }: LoranConfig, path: string): number =>
  patternValue(rankPattern, path) ?? rank;

/** α/r; α/√r of rsLoRA (arXiv 2312.03732); α/(r·√in) of Sine-LoRA (arXiv 2403.19243). */
export function scalingAt(
  config: LoranConfig,
  path: string,
  { kind, rows, columns }: Pick<FrozenWeight, 'kind' | 'rows' | 'columns'>,
): number {
  const rank = rankAt(config, path);
  const alpha = patternValue(config.alphaPattern, path) ?? config.alpha;
  switch (config.scaling) {
    case 'rank':
      return alpha / rank;
    case 'sqrt-rank':
      return alpha / Math.sqrt(rank);
    case 'rank-and-width':
      return alpha / (rank * Math.sqrt(kind === 'linear' ? columns : rows));
  }
}

export const resolved = (activation: ActivationSpec, context: Context): ResolvedActivation =>
  resolveActivation(activation, (name) => context.resolve('activation', name));

export const nameOf = (activation: ActivationSpec): string =>
  typeof activation === 'string' ? activation : activation.name;

/** An activation that no gradient passes at 0, where every element of B·A starts, would train nothing. Throws DEAD_ACTIVATION. */
export async function refuseDead(activation: ActivationSpec, context: Context): Promise<void> {
  const f = resolved(activation, context).instantiate();
  const gradient = tf.tidy(() => tf.grad((z) => f.apply(z))(tf.scalar(0)));
  const [slope = Number.NaN] = await gradient.data<'float32'>();
  gradient.dispose();
  f.dispose();
  if (Number.isFinite(slope) && slope !== 0) return;
  throw new LoranError(
    'DEAD_ACTIVATION',
    `The activation '${nameOf(activation)}' has slope ${slope} at 0, where a LoRAN update starts, so no gradient would reach it. ` +
      'Choose an activation with a finite slope other than 0 there, or give it a derivative that has one.',
  );
}
