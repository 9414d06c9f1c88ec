/**
 * IA³: infused adapter by inhibiting and amplifying inner activations (Liu et al., NeurIPS 2022, arXiv 2205.05638).
 *
 *   y = l ∘ (W x + b)         l [out]: keys, values
 *   y = W (l ∘ x) + b         l [in]: where a feed-forward block ends, `feedforwardModules`
 *
 *   W [out, in]  frozen          l  ones, so that y starts as it was
 *
 * It multiplies where other methods add, so a merge multiplies too: W' = diag(l) W and b' = l ∘ b, or W' = W diag(l). Several at once
 * multiply their factors. At scale s the factor is 1 + s·(l − 1).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { AdapterMethod, Call } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { variable } from '@loran/tensor';
import { ia3Config, type Ia3Config } from './ia3-config.js';
import { isFeedforward } from './feedforward.js';
import { peftFormat } from './peft-format.js';
import { version } from './version.js';

export const ia3: AdapterMethod<Ia3Config> = {
  kind: 'adapter-method',
  name: 'ia3',
  package: '@loran/ia3',
  version,
  config: ia3Config,
  formats: [peftFormat],

  prepare(layers, { feedforwardModules }) {
    const named = [feedforwardModules].flat();
    if (named.length === 0 || layers.some(({ path }) => isFeedforward(feedforwardModules, path))) {
      return Promise.resolve();
    }
    throw new LoranError(
      'FEEDFORWARD_NOT_FOUND',
      `feedforwardModules (${named.join(', ')}) matches none of the modules that the adapter is on: ${layers
        .slice(0, 4)
        .map(({ path }) => path)
        .join(', ')}${layers.length > 4 ? ', …' : ''}. Name some of the target modules, or none.`,
    );
  },

  create(frozen, { feedforwardModules }, { path }) {
    if (frozen.kind !== 'linear') {
      throw new LoranError(
        'UNSUPPORTED_MODULE',
        `IA³ goes on linear modules; '${path}' is an embedding. Leave it out of the target modules.`,
      );
    }
    const ofInputs = isFeedforward(feedforwardModules, path);
    const l = variable(tf.ones<tf.Rank.R2>(ofInputs ? [1, frozen.columns] : [frozen.rows, 1])); // as PEFT shapes it

    /** 1 + s·(l − 1), which is l itself at scale 1. */
    const factor = (scale: Call['scale']): Tensor1D =>
      tf.tidy(() => {
        const flat = tf.reshape<tf.Rank.R1>(l, [l.size]);
        return scale === 1 ? flat : tf.add<Tensor1D>(tf.mul(tf.sub(flat, 1), scale), 1);
      });

    return {
      parameters: new Map([['l', l]]),
      forward: (x, next, { scale }) => (ofInputs ? next(tf.mul(x, factor(scale))) : tf.mul(next(x), factor(scale))),
      rescaling: (scale) => (ofInputs ? { columns: factor(scale) } : { rows: factor(scale) }),
      delta: () =>
        tf.tidy(() => {
          const change = tf.sub(l, 1); // [out, 1] or [1, in]
          const weight = tf.mul<Tensor2D>(frozen.weight(), change);
          if (ofInputs || frozen.bias === null) return { weight };
          return { weight, bias: tf.mul<Tensor1D>(frozen.bias, tf.reshape(change, [l.size])) };
        }),
      dispose: () => l.dispose(),
    };
  },
};
