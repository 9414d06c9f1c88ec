import '@tensorflow/tfjs-backend-cpu';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { AdapterSet, fp32 } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod, tinyModel } from '@loran/testing';
import { beforeAll, expect, test } from 'vitest';
import { peanut } from './peanut.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const registry = createActivationRegistry(standardActivations);
const sine = { name: 'sine', frequency: { value: 1, trainable: true } };

describeAdapterMethod(peanut, {
  resolve: (_, name) => registry.get(name),
  configs: {
    relu: { rank: 3 },
    'deep, trained sine': { rank: 2, depth: 2, activation: sine, scaling: 0.5 },
  },
  skip: [
    {
      law: 'its gradients equal finite differences',
      reason: 'differences step over its kinks; its gradients are compared with those of torch',
      configs: ['relu'],
    },
  ],
  parameterCount: ({ rank, depth, activation }, { rows }) =>
    2 * rank * rows + 2 * depth * rank ** 2 + (typeof activation === 'object' ? 1 : 0),
});

test.each([
  ['encoder.second', { rank: 6 }, 'INVALID_RANK', /rank for 'encoder.second' is 6; its weight is \[5, 7\]/],
  ['tokens', { rank: 2 }, 'UNSUPPORTED_MODULE', /'tokens' is an embedding/],
  ['classifier', { rank: 2, depth: -1 }, 'INVALID_CONFIG', /depth/],
  ['classifier', { rank: 2, activation: 'xyz' }, 'UNKNOWN_PLUGIN', /xyz/],
])('on %s, %j is refused: %s', async (target, config, code, message) => {
  const model = await tinyModel({ storage: fp32 });
  const adding = new AdapterSet(model).add({ method: peanut, config, targetModules: [target] });
  await expect(adding).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
});
