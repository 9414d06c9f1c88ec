/**
 * What an activation is, and how one is made from a tfjs function.
 *
 * A definition is a plain value without state; `instantiate` gives the function that one adapter layer uses, with
 * parameters of its own. Its gradient is tfjs's autodiff of `apply`, or `derivative` where there is one.
 */
import { LoranError, type Plugin } from '@loran/plugin';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { instantiate, type ActivationInstance } from './instance.js';
import {
  declareParameters,
  overrideParameters,
  type ActivationParameter,
  type ParameterOptions,
  type ParameterOverrides,
} from './parameter.js';

/** Parameters as `apply` and `derivative` get them: scalar tensors, fixed or trainable. */
export type ParameterTensors<Name extends string = string> = Readonly<Record<Name, Scalar>>;

export interface ActivationDefinition<Name extends string = string> {
  /** The name users write in a configuration. */
  readonly name: string;
  /** Initial values by name: `{ a: 1 }` is fixed, `{ a: { initial: 1, trainable: true, min: 0 } }` is not. */
  readonly parameters?: Readonly<Record<Name, number | ParameterOptions>>;
  /** f(z), elementwise, in differentiable tfjs ops; any shape. */
  apply(z: Tensor, parameters: ParameterTensors<Name>): Tensor;
  /**
   * f′(z), elementwise. Worth giving where it saves memory: then only z is kept for the backward pass, not what `apply`
   * computed on its way. Autodiff is used all the same while a parameter is trained.
   */
  derivative?(z: Tensor, parameters: ParameterTensors<Name>): Tensor;
  /** npm package and version of a published activation, so that errors can say where it comes from. */
  readonly package?: string | null;
  readonly version?: string | null;
}

export interface Activation<Name extends string = string> extends Plugin {
  readonly kind: 'activation';
  readonly parameters: Readonly<Record<Name, ActivationParameter>>;
  apply(z: Tensor, parameters: ParameterTensors<Name>): Tensor;
  derivative?(z: Tensor, parameters: ParameterTensors<Name>): Tensor;
  /**
   * The activation with parameters of its own, to be disposed. Throws UNKNOWN_ACTIVATION_PARAMETER and
   * ACTIVATION_PARAMETER_OUT_OF_BOUNDS.
   */
  instantiate(options?: { readonly overrides?: ParameterOverrides<Name> }): ActivationInstance;
}

/**
 * Makes an activation from a tfjs function. Throws INVALID_ACTIVATION.
 *
 *     const snake = defineActivation({
 *       name: 'snake',
 *       parameters: { a: 1 },
 *       apply: (z, { a }) => tf.add(z, tf.div(tf.square(tf.sin(tf.mul(a, z))), a)),
 *     });
 */
export function defineActivation<Name extends string = never>(
  definition: ActivationDefinition<Name>,
): Activation<Name> {
  const { name } = definition;
  if (!/^[A-Za-z][\w.-]*$/.test(name)) {
    throw new LoranError(
      'INVALID_ACTIVATION',
      `An activation cannot be called '${name}': a name begins with a letter and has letters, digits, '-', '_' or '.'.`,
    );
  }
  const declared = declareParameters<Name>(name, definition.parameters ?? ({} as Record<Name, number>));
  return {
    kind: 'activation',
    name,
    package: definition.package ?? null,
    version: definition.version ?? null,
    parameters: declared,
    apply: (z, parameters) => definition.apply(z, parameters),
    ...(definition.derivative && { derivative: definition.derivative.bind(definition) }),
    instantiate: ({ overrides = {} } = {}) => instantiate(definition, overrideParameters(name, declared, overrides)),
  };
}

/** Whether a value is an activation, from this copy of the package or another. */
export function isActivation(value: unknown): value is Activation {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Partial<Activation>;
  return (
    candidate.kind === 'activation' &&
    typeof candidate.name === 'string' &&
    typeof candidate.apply === 'function' &&
    typeof candidate.instantiate === 'function'
  );
}
