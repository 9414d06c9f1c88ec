import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { defineActivation, type ActivationDefinition } from './define-activation.js';
import type { ActivationInstance } from './instance.js';
import { sine } from './sine.js';
import { sinter } from './sinter.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const snake = defineActivation({
  name: 'snake',
  parameters: { a: { initial: 1, trainable: true, min: 0.5, max: 4 } },
  apply: (z, { a }) => tf.add(z, tf.div(tf.square(tf.sin(tf.mul(a, z))), a)),
});

describe('an instance', () => {
  test('computes the function with its own parameter values', async () => {
    const f = snake.instantiate({ overrides: { a: 2 } });
    const y = await f.apply(tf.tensor1d([0, 0.25, -1])).data();
    for (const [i, z] of [0, 0.25, -1].entries()) expect(y[i]).toBeCloseTo(z + Math.sin(2 * z) ** 2 / 2, 6);
  });

  test('has only the trainable parameters, and a fixed one can be made trainable', () => {
    expect([...snake.instantiate().parameters.keys()]).toEqual(['a']);
    expect(snake.instantiate({ overrides: { a: { trainable: false } } }).parameters.size).toBe(0);
    expect(sinter.instantiate().parameters.size).toBe(0);
    expect([...sinter.instantiate({ overrides: { frequency: { trainable: true } } }).parameters.keys()]).toEqual([
      'frequency',
    ]);
  });

  test('shares nothing with another instance', async () => {
    const [one, other] = [snake.instantiate(), snake.instantiate()];
    one.parameters.get('a')?.assign(tf.scalar(3));
    expect((await other.parameters.get('a')?.data())?.[0]).toBe(1);
  });

  test('frees what it made, and leaves nothing behind when applied or differentiated', () => {
    const before = tf.memory().numTensors;
    for (const activation of [snake, sinter, sine]) {
      const f = activation.instantiate();
      const z = tf.tensor2d([[0.1, -0.2]]);
      f.apply(z).dispose();
      tf.grad((x: Tensor) => f.apply(x))(z).dispose();
      z.dispose();
      f.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  test('survives the tidy that it was made in', async () => {
    const made: ActivationInstance[] = [];
    tf.tidy(() => void made.push(sinter.instantiate()));
    const [f] = made as [ActivationInstance];
    expect((await f.apply(tf.scalar(0.01)).data())[0]).toBeCloseTo(0.01 + 5e-5 * 0.01 * Math.sin(100), 9);
  });
});

describe('a bounded parameter', () => {
  const line = defineActivation({
    name: 'line',
    parameters: { slope: { initial: 1, trainable: true, min: 0, max: 2 } },
    apply: (z, { slope }) => tf.mul(slope, z),
  });

  /** The value used and the gradient of direction · slope · 1 with the variable at `at`. */
  async function probe(at: number, direction: 1 | -1) {
    const f = line.instantiate();
    const slope = f.parameters.get('slope')!;
    slope.assign(tf.scalar(at));
    const { value, grads } = tf.variableGrads(() => tf.mul(direction, f.apply(tf.scalar(1))), [slope]);
    return { used: direction * (await value.data())[0]!, gradient: (await grads[slope.name]!.data())[0]! };
  }

  test.each([
    { place: 'inside', at: 1, used: 1, up: -1, down: 1 },
    { place: 'at the upper bound', at: 2, used: 2, up: 0, down: 1 },
    { place: 'one step above', at: 2.5, used: 2, up: 0, down: 1 },
    { place: 'at the lower bound', at: 0, used: 0, up: -1, down: 0 },
    { place: 'one step below', at: -0.5, used: 0, up: -1, down: 0 },
  ])('$place is used clamped; the gradient only ever leads back in', async ({ at, used, up, down }) => {
    expect(await probe(at, -1)).toEqual({ used, gradient: up }); // descent wants a larger slope
    expect(await probe(at, 1)).toEqual({ used, gradient: down }); // descent wants a smaller one
  });

  test('comes back from its bound when the loss asks for it', async () => {
    const f = line.instantiate();
    const slope = f.parameters.get('slope')!;
    const descend = async (target: number, steps: number) => {
      for (let step = 0; step < steps; step++) {
        const distance = () => tf.sub(f.apply<Tensor>(tf.scalar(1)), target);
        const { grads } = tf.variableGrads(() => tf.sum<Scalar>(tf.square(distance())), [slope]);
        slope.assign(tf.sub(slope, tf.mul(0.2, grads[slope.name]!)));
      }
      return (await f.apply(tf.scalar(1)).data())[0];
    };
    expect(await descend(5, 30)).toBe(2);
    expect(await descend(1, 30)).toBeCloseTo(1, 4);
  });
});

describe('bad definitions and uses throw', () => {
  const apply = (z: Tensor) => z;
  const misspelt = { initial: 3, trianable: true };

  test.each<{ what: string; definition: ActivationDefinition; message: RegExp }>([
    { what: 'an empty name', definition: { name: '', apply }, message: /cannot be called ''/ },
    { what: 'a name with a space', definition: { name: 'my act', apply }, message: /cannot be called 'my act'/ },
    { what: 'NaN', definition: { name: 'x', apply, parameters: { a: NaN } }, message: /'a'.*'x' starts at NaN/ },
    {
      what: 'a start out of bounds',
      definition: { name: 'x', apply, parameters: { a: { initial: 3, min: 0, max: 2 } } },
      message: /starts at 3; expected a finite number from 0 to 2/,
    },
    {
      what: 'a misspelt field',
      definition: { name: 'x', apply, parameters: { a: misspelt } },
      message: /no field 'trianable'. Did you mean 'trainable'\?/,
    },
    {
      what: 'a parameter called name',
      definition: { name: 'x', apply, parameters: { name: 1 } },
      message: /collides/,
    },
  ])('$what: INVALID_ACTIVATION', ({ definition, message }) => {
    expect(() => defineActivation(definition)).toThrow(expect.objectContaining({ code: 'INVALID_ACTIVATION' }));
    expect(() => defineActivation(definition)).toThrow(message);
  });

  test('an unknown parameter: the nearest is suggested', () => {
    const overrides = { frequncy: 2 } as Record<string, number>;
    expect(() => sinter.instantiate({ overrides })).toThrow(
      "The activation 'sinter' has no parameter 'frequncy'. Did you mean 'frequency'? It has: amplitude, frequency.",
    );
  });

  test.each([NaN, Infinity, 5, 0.1])('a value out of bounds: %d', (a) => {
    expect(() => snake.instantiate({ overrides: { a } })).toThrow(
      expect.objectContaining({ code: 'ACTIVATION_PARAMETER_OUT_OF_BOUNDS' }),
    );
  });
});
