/** An activation in use: a function of z whose parameters live as long as the adapter layer that owns it. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { variable } from '@loran/tensor';
import { bounded } from './bounded.js';
import type { ActivationDefinition, ParameterTensors } from './define-activation.js';
import type { ActivationParameter } from './parameter.js';

export interface ActivationInstance {
  /** f(z), elementwise, differentiable in z and in the trainable parameters. */
  apply<T extends Tensor>(z: T): T;
  /** The trainable parameters, fp32 scalars; empty where all are fixed. */
  readonly parameters: ReadonlyMap<string, Variable>;
  dispose(): void;
}

export function instantiate<Name extends string>(
  definition: Pick<ActivationDefinition<Name>, 'apply' | 'derivative'>,
  parameters: Readonly<Record<string, ActivationParameter>>,
): ActivationInstance {
  const trained = new Map<string, Variable>();
  const fixed = new Map<string, Scalar>();
  for (const [name, { initial, trainable }] of Object.entries(parameters)) {
    if (trainable) trained.set(name, variable(tf.scalar(initial)));
    else fixed.set(name, tf.keep(tf.scalar(initial)));
  }

  const values = (): ParameterTensors<Name> => {
    const inBounds = [...trained].map(([name, v]) => [name, bounded(v, parameters[name]!)] as const);
    return Object.fromEntries([...fixed, ...inBounds]) as ParameterTensors<Name>;
  };
  const { derivative } = definition;
  const f =
    derivative !== undefined && trained.size === 0
      ? withDerivative(
          (z) => definition.apply(z, values()),
          (z) => derivative(z, values()),
        )
      : (z: Tensor) => definition.apply(z, values());

  return {
    parameters: trained,
    apply: <T extends Tensor>(z: T) => tf.tidy(() => f(z) as T),
    dispose: () => {
      for (const tensor of [...trained.values(), ...fixed.values()]) tensor.dispose();
    },
  };
}

/** f with the gradient dy·f′(z): z is all that stays in memory for it. */
function withDerivative(f: (z: Tensor) => Tensor, derivative: (z: Tensor) => Tensor): (z: Tensor) => Tensor {
  return tf.customGrad((z, save) => {
    (save as tf.GradSaveFunc)([z as Tensor]);
    return {
      value: f(z as Tensor),
      gradFunc: (dy: Tensor, saved: Tensor[]) => tf.mul(dy, derivative((saved as [Tensor])[0])),
    };
  });
}
