/** Layers that multiply, beside layers that add: the same in a forward pass and in a merge, in whatever order they were added. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { AdapterSet } from './adapter-set.js';
import { adapterParameters } from './adapter.js';
import { Slot } from './slot.js';
import { frozenTensor } from './storage/fp32.js';
import { ia3 } from './__fixtures__/trials/ia3.js';
import { vera } from './__fixtures__/trials/vera.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const methods = { ia3, vera };

/** A slot with these adapters, moved off their start. */
async function adapted(names: readonly (keyof typeof methods)[]) {
  const random = randomStream(3);
  const slot = new Slot(
    'dense',
    frozenTensor(
      random.derive('w').normal([4, 5], 0, 0.5) as tf.Tensor2D,
      random.derive('b').normal([4], 0, 0.5) as tf.Tensor1D,
    ),
  );
  const set = new AdapterSet({ modules: () => new Map([['dense', slot]]) });
  for (const [i, method] of names.entries()) {
    const adapter = await set.add({ method: methods[method], targetModules: ['dense'], name: `${method}-${i}` });
    for (const [key, parameter] of adapterParameters(adapter)) {
      parameter.assign(random.derive(`${method} ${key}`).uniform(parameter.shape, 0.5, 1.5));
    }
  }
  const run = async () => [...(await slot.apply(tf.reshape(tf.linspace(-1, 1, 15), [3, 5])).data())];
  return { set, run };
}

describe.each([[['ia3', 'vera']], [['vera', 'ia3']], [['ia3', 'ia3']], [['vera', 'ia3', 'vera', 'ia3']]] as const)(
  '%j',
  (names) => {
    test('merged, they give the same outputs', async () => {
      const { set, run } = await adapted(names);
      set.get(set.names().find((name) => name.startsWith('ia3'))!).scale = 0.5;
      const outputs = await run();
      await set.merge();
      (await run()).forEach((y, i) => expect(y).toBeCloseTo(outputs[i]!, 4));
    });
  },
);

test('the order of adding makes no difference', async () => {
  const outputs = await (await adapted(['ia3', 'vera'])).run();
  (await (await adapted(['vera', 'ia3'])).run()).forEach((y, i) => expect(y).toBeCloseTo(outputs[i]!, 5));
});
