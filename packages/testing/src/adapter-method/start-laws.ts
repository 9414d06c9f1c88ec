/** Laws about an adapter that has just been added. */
import * as tf from '@tensorflow/tfjs-core';
import { AdapterSet, fp32 } from '@loran/adapter';
import { expect } from 'vitest';
import { expectClose } from '../expect-close.js';
import type { Law } from '../law-suite.js';
import { tinyModel } from '../tiny-model.js';
import { adapterOptions, snapshot, take, targetsOf, withAdapter, type AdapterMethodSubject } from './subject.js';

export const startLaws: Readonly<Record<string, Law<AdapterMethodSubject>>> = {
  'says what it is': ({ method }) => {
    expect(method.kind).toBe('adapter-method');
    expect(method.name).toMatch(/^[a-z][\w-]*$/i);
    expect(typeof method.package).toBe(typeof method.version); // both, or neither for a script's own
  },

  'starts as the base model': async (subject) => {
    const base = await tinyModel({ storage: subject.bases[0] ?? fp32 });
    const expected = await take(base.run());
    base.dispose();
    await withAdapter(subject, async ({ model }) => {
      await expectClose(await take(model.run()), expected, { absolute: 0, relative: 0 });
    });
  },

  'has as many parameters as its formula says, all fp32': (subject) =>
    withAdapter(subject, ({ model, set, parameters }) => {
      const expected = targetsOf(subject.kind).map((path) => {
        const { kind, rows, columns, bias } = model.modules().get(path)!.frozen;
        return subject.parameterCount({ kind, rows, columns, biased: bias !== null });
      });
      expect(set.count().trainable).toBe(expected.reduce((sum, count) => sum + count, 0));
      expect(parameters.size).toBeGreaterThan(0);
      for (const parameter of parameters.values()) expect(parameter.dtype).toBe('float32');
      return Promise.resolve();
    }),

  'starts from the same bits for the same seed': async (subject) => {
    const start = () => withAdapter(subject, ({ parameters }) => snapshot(parameters));
    expect(await start()).toEqual(await start());
  },

  'starts elsewhere for another seed, unless from constants': async (subject) => {
    const start = (adapterSeed: number) =>
      withAdapter(subject, ({ parameters }) => snapshot(parameters), { adapterSeed });
    const [one, other] = [await start(1), await start(2)];
    if (subject.startsFrom === 'constants') expect(one).toEqual(other);
    else expect(one).not.toEqual(other);
  },

  'refuses an option it does not know, and leaves the model as it was': async (subject) => {
    const model = await tinyModel({ storage: subject.bases[0] ?? fp32 });
    const before = await take(model.run());
    const set = new AdapterSet(model);
    const config = { ...(subject.config as object), optionThatNobodyHas: 1 };
    const adding = set.add({ ...adapterOptions(subject, 'default'), config });
    await expect(adding).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    await expect(adding).rejects.toThrow('optionThatNobodyHas');
    expect(set.names()).toEqual([]);
    expect(await take(model.run())).toEqual(before);
    model.dispose();
  },

  'frees what it made when it is removed': async (subject) => {
    const model = await tinyModel({ storage: subject.bases[0] ?? fp32 });
    const before = tf.memory().numTensors;
    const set = new AdapterSet(model);
    await set.add(adapterOptions(subject, 'default'));
    model.run().dispose();
    set.remove('default');
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  },
};
