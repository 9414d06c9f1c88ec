/** The shortest honest activation, f(z) = a·sin(z), which keeps every law; its mutants each break one. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { variable } from '@loran/tensor';
import type { ActivationLike } from '../activation/activation-laws.js';

type Apply = ActivationLike['apply'];

export function plainActivation(
  apply: Apply = (z, { a }) => tf.mul(a!, tf.sin(z)),
  derivative: Apply | null = (z, { a }) => tf.mul(a!, tf.cos(z)),
  parameters: ActivationLike['parameters'] = { a: { initial: 1.5, trainable: false } },
): ActivationLike {
  return {
    kind: 'activation',
    name: 'plain',
    package: null,
    version: null,
    parameters,
    apply,
    ...(derivative === null ? {} : { derivative }),
    instantiate({ overrides = {} } = {}) {
      const unknown = Object.keys(overrides).find((name) => !(name in parameters));
      if (unknown !== undefined) throw new LoranError('UNKNOWN_ACTIVATION_PARAMETER', `No parameter '${unknown}'.`);
      const values = new Map<string, Variable>();
      const trained = new Map<string, Variable>();
      for (const [name, { initial }] of Object.entries(parameters)) {
        const made = variable(tf.scalar(initial)) as Variable;
        values.set(name, made);
        const override = overrides[name];
        if (typeof override === 'object' && override.trainable === true) trained.set(name, made);
      }
      return {
        parameters: trained,
        apply: <T extends Tensor>(z: T) => tf.tidy(() => apply(z, Object.fromEntries(values) as never) as T),
        dispose: () => tf.dispose([...values.values()]),
      };
    },
  };
}
