/** The laws of activations, stated about any object of their shape: `@loran/activations` is not needed here. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { Plugin } from '@loran/plugin';
import { expect } from 'vitest';
import { expectClose, valuesOf } from '../expect-close.js';
import { finiteDifferences } from '../finite-differences.js';
import type { Law } from '../law-suite.js';

type Override = number | { readonly value?: number; readonly trainable?: boolean };

/** What an activation must look like. */
export interface ActivationLike extends Plugin {
  readonly parameters: Readonly<Record<string, { readonly initial: number; readonly trainable: boolean }>>;
  apply(z: Tensor, parameters: Readonly<Record<string, Scalar>>): Tensor;
  derivative?(z: Tensor, parameters: Readonly<Record<string, Scalar>>): Tensor;
  instantiate(options?: { readonly overrides?: Readonly<Record<string, Override>> }): {
    apply<T extends Tensor>(z: T): T;
    readonly parameters: ReadonlyMap<string, Variable>;
    dispose(): void;
  };
}

export interface ActivationSubject {
  readonly activation: ActivationLike;
  readonly valueAtZero: number;
  readonly points: readonly number[];
  readonly step: number;
  readonly parameterSteps: Readonly<Record<string, number>>;
  readonly tolerance: number;
}

export const activationLaws: Readonly<Record<string, Law<ActivationSubject>>> = {
  'says what it is': ({ activation }) => {
    expect(activation.kind).toBe('activation');
    expect(activation.name).toMatch(/^[a-z][\w.-]*$/i);
    expect(typeof activation.package).toBe(typeof activation.version); // both, or neither for a script's own
  },

  'has the stated value at 0, on which it depends whether an update starts at 0': async ({
    activation,
    valueAtZero,
  }) => {
    await withInstance(activation, async (f) => {
      await expectClose(await f(tf.zeros([2, 2])), [valueAtZero, valueAtZero, valueAtZero, valueAtZero]);
    });
  },

  'has a finite slope at 0 that is not 0, so that an update can leave its start': async ({ activation }) => {
    const instance = activation.instantiate();
    const z = tf.scalar(0);
    const gradient = tf.grad((x: Tensor) => instance.apply(x))(z);
    const [slope] = Array.from(await valuesOf(gradient));
    expect(slope).toSatisfy(Number.isFinite);
    expect(slope).not.toBe(0);
    tf.dispose([z, gradient]);
    instance.dispose();
  },

  'is elementwise and finite, for any shape': async ({ activation, points }) => {
    await withInstance(activation, async (f) => {
      const all = await f(tf.tensor1d([...points]));
      expect(all.every(Number.isFinite)).toBe(true);
      await expectClose(await f(tf.tensor([...points], [1, points.length, 1])), all);
      for (const [i, z] of points.entries()) await expectClose(await f(tf.scalar(z)), [all[i]!]);
    });
    const instance = activation.instantiate();
    const z = tf.zeros([2, 1, 3]);
    const y = instance.apply(z);
    expect([y.shape, y.dtype]).toEqual([[2, 1, 3], 'float32']);
    tf.dispose([z, y]);
    instance.dispose();
  },

  'its gradient equals finite differences': async ({ activation, points, step, tolerance }) => {
    const instance = activation.instantiate();
    const at = async (shift: number) => {
      const z = Float32Array.from(points, (point) => point + shift);
      const tensor = tf.tensor1d(z);
      const y = instance.apply(tensor);
      const values = Array.from(await valuesOf(y));
      tf.dispose([tensor, y]);
      return { z, values };
    };
    const [above, below] = [await at(step), await at(-step)];
    const differences = points.map((_, i) => (above.values[i]! - below.values[i]!) / (above.z[i]! - below.z[i]!));
    const z = tf.tensor1d([...points]);
    const gradient = tf.grad((x: Tensor) => instance.apply(x))(z);
    await expectClose(gradient, differences, { absolute: tolerance, relative: tolerance });
    tf.dispose([z, gradient]);
    instance.dispose();
  },

  'an explicit derivative equals the one that autodiff finds': async ({ activation, points }) => {
    if (activation.derivative === undefined) return;
    const parameters = Object.fromEntries(
      Object.entries(activation.parameters).map(([name, { initial }]) => [name, tf.scalar(initial)]),
    );
    const z = tf.tensor1d([...points]);
    const explicit = tf.tidy(() => activation.derivative!(z, parameters));
    const automatic = tf.grad((x: Tensor) => activation.apply(x, parameters))(z);
    await expectClose(explicit, automatic, { absolute: 2e-6, relative: 2e-5 });
    tf.dispose([z, explicit, automatic, ...Object.values(parameters)]);
  },

  'each parameter can be trained, with the gradient that differences give': async (subject) => {
    const { activation, points, parameterSteps } = subject;
    for (const [name, { initial }] of Object.entries(activation.parameters)) {
      const instance = activation.instantiate({ overrides: { [name]: { trainable: true } } });
      const parameter = instance.parameters.get(name)!;
      const z = tf.tensor1d([...points]);
      // Weights of both signs, so that no element's gradient hides in another's.
      const weights = points.map((_, i) => (i % 2 === 0 ? 1 : -0.7));
      const sum = async () => {
        const y = instance.apply(z);
        const values = Array.from(await valuesOf(y));
        y.dispose();
        return values.reduce((total, value, i) => total + weights[i]! * value, 0);
      };
      const step = parameterSteps[name] ?? 1e-3 * Math.max(1, Math.abs(initial));
      const [difference] = await finiteDifferences(sum, parameter, step);
      const { value, grads } = tf.variableGrads(
        () => tf.sum<Scalar>(tf.mul(instance.apply(z), tf.tensor1d(weights))),
        [parameter],
      );
      const [exact] = (await valuesOf(grads[parameter.name]!)) as ArrayLike<number> & [number];
      expect(Math.abs(exact), `gradient of '${name}'`).toBeGreaterThan(0);
      await expectClose([exact], [difference!], { absolute: 0, relative: 0.05 });
      tf.dispose([z, value, ...Object.values(grads)]);
      instance.dispose();
    }
  },

  'instances share no parameters, and free them': ({ activation }) => {
    const before = tf.memory().numTensors;
    const overrides = Object.fromEntries(Object.keys(activation.parameters).map((name) => [name, { trainable: true }]));
    const [one, other] = [activation.instantiate({ overrides }), activation.instantiate({ overrides })];
    expect([...one.parameters.keys()]).toEqual(Object.keys(activation.parameters));
    for (const [name, parameter] of one.parameters) expect(other.parameters.get(name)).not.toBe(parameter);
    one.dispose();
    other.dispose();
    expect(tf.memory().numTensors).toBe(before);
  },

  'refuses a parameter that it does not have': ({ activation }) => {
    const make = () => activation.instantiate({ overrides: { parameterThatNobodyHas: 1 } });
    expect(make).toThrow(expect.objectContaining({ code: 'UNKNOWN_ACTIVATION_PARAMETER' }));
    expect(make).toThrow('parameterThatNobodyHas');
  },
};

/** Runs `body` with a function from a tensor, which it disposes, to the values of the activation with its defaults. */
async function withInstance(
  activation: ActivationLike,
  body: (f: (z: Tensor) => Promise<number[]>) => Promise<void>,
): Promise<void> {
  const instance = activation.instantiate();
  await body(async (z) => {
    const y = instance.apply(z);
    const values = Array.from(await valuesOf(y));
    tf.dispose([z, y]);
    return values;
  });
  instance.dispose();
}
