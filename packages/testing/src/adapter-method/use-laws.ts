/** Laws about using a trained adapter: switching, scaling, several at once, merging. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { adapterParameters, fp32, type Slot } from '@loran/adapter';
import { randomStream } from '@loran/tensor';
import { expect } from 'vitest';
import { expectClose } from '../expect-close.js';
import type { Law } from '../law-suite.js';
import { tinyModel } from '../tiny-model.js';
import {
  adapterOptions,
  frozenWeights,
  snapshot,
  take,
  targetsOf,
  train,
  withAdapter,
  type AdapterMethodSubject,
} from './subject.js';

export const useLaws: Readonly<Record<string, Law<AdapterMethodSubject>>> = {
  'deactivated, it is the base model': async (subject) => {
    const base = await tinyModel({ storage: subject.bases[0] ?? fp32 });
    const expected = await take(base.run());
    base.dispose();
    await withAdapter(subject, async ({ model, set, parameters }) => {
      await train(model, parameters);
      const adapted = await take(model.run());
      expect(adapted).not.toEqual(expected);
      set.activate();
      expect(await take(model.run())).toEqual(expected);
      set.activate('default');
      expect(await take(model.run())).toEqual(adapted);
    });
  },

  'at scale 0 it is the base model, and a scale may be a tensor': (subject) =>
    withAdapter(subject, async ({ model, set, adapter, parameters }) => {
      await train(model, parameters);
      set.activate();
      const base = await take(model.run());
      set.activate('default');
      adapter.scale = 0;
      await expectClose(await take(model.run()), base, { absolute: 1e-6 });
      adapter.scale = 0.5;
      const half = await take(model.run());
      const scale = tf.scalar(0.5);
      adapter.scale = scale;
      await expectClose(await take(model.run()), half, { absolute: 1e-6 });
      adapter.scale = 1;
      scale.dispose();
    }),

  'takes any leading axes': (subject) =>
    withAdapter(subject, async ({ model, parameters }) => {
      await train(model, parameters);
      for (const path of targetsOf(subject.kind)) await sameForAnyLeadingAxes(model.modules().get(path)!);
    }),

  'two adapters do not disturb each other': (subject) =>
    withAdapter(subject, async ({ model, set, parameters }) => {
      await train(model, parameters);
      const alone = await take(model.run());
      const before = await snapshot(parameters);
      const other = await set.add(adapterOptions(subject, 'other', 2));
      await train(model, adapterParameters(other));
      expect(await snapshot(parameters)).toEqual(before);
      set.activate('default');
      expect(await take(model.run())).toEqual(alone);
      set.activate('other');
      expect(await take(model.run())).not.toEqual(alone);
      set.activate('default');
      set.remove('other');
      expect(await take(model.run())).toEqual(alone);
    }),

  'merged, it gives the same outputs; unmerged, the base is back bit for bit': (subject) =>
    withAdapter(subject, async ({ model, set, parameters }) => {
      await train(model, parameters);
      const outputs = await take(model.run());
      const weights = await frozenWeights(model);
      await set.merge();
      await expectClose(await take(model.run()), outputs, subject.tolerances.merge);
      set.unmerge();
      expect(await take(model.run())).toEqual(outputs);
      expect(await frozenWeights(model)).toEqual(weights);
    }),

  'merging twice is refused': (subject) =>
    withAdapter(subject, async ({ model, set, parameters }) => {
      await train(model, parameters);
      await set.merge();
      const outputs = await take(model.run());
      await expect(set.merge()).rejects.toMatchObject({ code: 'ALREADY_MERGED' });
      expect(await take(model.run())).toEqual(outputs);
    }),

  'works over every base': async (subject) => {
    for (const storage of subject.bases) {
      await withAdapter(
        subject,
        async ({ model, set, parameters }) => {
          set.activate();
          const base = await take(model.run());
          set.activate('default');
          const losses = await train(model, parameters, { steps: 30, learningRate: 0.03 });
          expect(losses.at(-1), `loss over ${storage.name}`).toBeLessThan(losses[0]!);
          const outputs = await take(model.run());
          expect(outputs).not.toEqual(base);
          await set.merge();
          await expectClose(await take(model.run()), outputs, subject.tolerances.merge);
          set.unmerge();
          set.activate();
          expect(await take(model.run()), `the base ${storage.name} afterwards`).toEqual(base);
        },
        { storage },
      );
    }
  },
};

async function sameForAnyLeadingAxes(slot: Slot): Promise<void> {
  const { kind, columns } = slot.frozen;
  const flat = (
    kind === 'embedding' ? tf.tensor1d([3, 0, 3, 7, 1, 8], 'int32') : randomStream(4).normal([6, columns], 0, 1)
  ) as Tensor;
  const own = kind === 'embedding' ? [] : [columns];
  const expected = await take(slot.apply(flat));
  const width = expected.length / 6;
  for (const leading of [
    [2, 3],
    [1, 3, 2],
    [6, 1, 1, 1],
  ]) {
    const y = tf.tidy(() => slot.apply(tf.reshape(flat, [...leading, ...own])));
    expect(y.shape).toEqual([...leading, width]);
    await expectClose(await take(y), expected, { absolute: 1e-6 });
  }
  const one = tf.tidy(() => slot.apply(tf.reshape(tf.slice(flat, 0, 1), own))); // no leading axis at all
  expect(one.shape).toEqual([width]);
  await expectClose(await take(one), expected.slice(0, width), { absolute: 1e-6 });
  flat.dispose();
}
