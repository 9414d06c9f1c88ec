/** Formats that hold products of two factors alone cannot hold LoRAN. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { AdapterSet, frozenTensor, saveMlxAdapter, Slot } from '@loran/adapter';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { openEngine, portableEngine } from '@loran/tensor';
import { beforeAll, expect, test } from 'vitest';
import { loran } from './loran.js';

beforeAll(() => openEngine(portableEngine('cpu')));

test('an MLX adapter is refused, with the way out', async () => {
  const slot = new Slot('model.layers.0.self_attn.q_proj', frozenTensor(tf.ones([3, 3])));
  const set = new AdapterSet({ modules: () => new Map([[slot.path, slot]]) });
  const activations = createActivationRegistry(standardActivations);
  const adapter = await set.add({
    method: loran,
    config: { rank: 1 },
    targetModules: ['q_proj'],
    resolve: (_, name) => activations.get(name),
  });
  await expect(saveMlxAdapter(adapter, set.model, 'nowhere')).rejects.toMatchObject({
    code: 'NOT_FACTORED',
    message: expect.stringMatching(/q_proj is no plain product.*Merge it/) as string,
  });
});
