/** Laws about training. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { expectClose } from '../expect-close.js';
import { finiteDifferences } from '../finite-differences.js';
import type { Law } from '../law-suite.js';
import type { TinyModel } from '../tiny-model.js';
import { frozenWeights, snapshot, take, train, withAdapter, type AdapterMethodSubject } from './subject.js';

export const trainingLaws: Readonly<Record<string, Law<AdapterMethodSubject>>> = {
  'training changes its own parameters alone': (subject) =>
    withAdapter(subject, async ({ model, parameters }) => {
      const before = await frozenWeights(model);
      const all = () => new Set(Object.keys(tf.engine().registeredVariables));
      const known = all();
      await train(model, parameters);
      expect(await frozenWeights(model)).toEqual(before);
      expect(all()).toEqual(known); // and makes no variable of which nobody was told
    }),

  'every parameter of every target gets a gradient, and moves': (subject) =>
    withAdapter(subject, async ({ model, parameters }) => {
      const before = await snapshot(parameters);
      const names = [...parameters.keys()];
      const reached = new Set<string>();
      await train(model, parameters, {
        steps: 10,
        onStep: async (gradients) => {
          for (const [i, gradient] of gradients.entries()) {
            const values = await gradient.data();
            expect([...values].every(Number.isFinite), `gradient of ${names[i]!}`).toBe(true);
            if (values.some((value) => value !== 0)) reached.add(names[i]!);
          }
        },
      });
      expect(
        names.filter((name) => !reached.has(name)),
        'parameters without a gradient',
      ).toEqual([]);
      const after = await snapshot(parameters);
      const still = names.filter((name) => after.get(name)!.every((value, i) => value === before.get(name)![i]));
      expect(still, 'parameters that did not move').toEqual([]);
    }),

  'the loss falls': (subject) =>
    withAdapter(subject, async ({ model, parameters }) => {
      const first = (await take(model.loss()))[0]!;
      await train(model, parameters, { steps: 60, learningRate: 0.03 });
      expect((await take(model.loss()))[0]!).toBeLessThan(0.8 * first);
    }),

  'its gradients equal finite differences': (subject) =>
    withAdapter(subject, async ({ model, parameters }) => {
      await train(model, parameters); // away from the start, where half of them are 0
      const { value, grads } = tf.variableGrads(() => model.loss(), [...parameters.values()]);
      value.dispose();
      for (const [name, parameter] of parameters) {
        const exact = await take(grads[parameter.name]!);
        const differences = await finiteDifferences(() => preciseLoss(model), parameter);
        const largest = Math.max(...exact.map(Math.abs));
        await expectClose(exact, differences, {
          absolute: subject.tolerances.gradient * largest + 1e-5,
          relative: 0,
        }).catch((error: unknown) => expect.fail(`${name}: ${String(error)}`));
      }
    }),

  'the same seed gives the same bits': async (subject) => {
    const trained = () =>
      withAdapter(subject, async ({ model, parameters }) => {
        const losses = await train(model, parameters);
        return { losses, parameters: await snapshot(parameters) };
      });
    expect(await trained()).toEqual(await trained());
  },

  'training steps leave no tensors behind': (subject) =>
    withAdapter(subject, async ({ model, parameters }) => {
      await train(model, parameters, { steps: 1 });
      const before = tf.memory().numTensors;
      await train(model, parameters, { steps: 5 });
      expect(tf.memory().numTensors).toBe(before);
    }),
};

/** The loss of the fp32 outputs, summed in double precision, so that differences lose less to rounding. */
async function preciseLoss(model: TinyModel): Promise<number> {
  const outputs = await take(model.run());
  const targets = await model.targets.data();
  return outputs.reduce((sum, y, i) => sum + (y - targets[i]!) ** 2, 0) / outputs.length;
}
