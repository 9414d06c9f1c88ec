import '@tensorflow/tfjs-backend-cpu';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod } from '@loran/testing';
import { beforeAll } from 'vitest';
import { loran } from './loran.js';
import type { LoranConfig } from './loran-config.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const registry = createActivationRegistry(standardActivations);

const options = {
  resolve: (_: string, name: string) => registry.get(name),
  parameterCount: ({ rank, activation }: LoranConfig, { rows, columns }: { rows: number; columns: number }) =>
    rank * (rows + columns) + (typeof activation === 'object' && activation.name === 'sine' ? 1 : 0),
};
const publishedWave = {
  law: 'its gradients equal finite differences',
  reason: 'a wave of 1e4 rad per unit is finer than the steps of fp32 differences; the slow waves are compared',
  configs: ['sinter'],
};

describeAdapterMethod(loran, {
  ...options,
  configs: {
    sinter: { rank: 2, alpha: 4 },
    'sinter in slow waves': { rank: 2, alpha: 4, activation: { name: 'sinter', amplitude: 0.4, frequency: 5 } },
    'tanh with dropout': { rank: 3, alpha: 6, dropout: 0.1, activation: 'tanh' },
    'trained sine': { rank: 2, alpha: 2, activation: { name: 'sine', frequency: { value: 3, trainable: true } } },
    sigmoid: { rank: 2, alpha: 4, activation: 'sigmoid', init: 'gaussian' },
    relu: { rank: 2, alpha: 4, activation: 'relu' },
  },
  skip: [
    publishedWave,
    {
      law: 'starts as the base model',
      reason: 'sigmoid(0) is 1/2, so the update starts at α/2r',
      configs: ['sigmoid'],
    },
    {
      law: 'its gradients equal finite differences',
      reason: 'a kink in every element; its slopes are compared in activations',
      configs: ['relu'],
    },
  ],
});

describeAdapterMethod(loran, {
  ...options,
  kinds: ['embedding'],
  configs: {
    sinter: { rank: 2, alpha: 4 },
    'trained sine': { rank: 2, alpha: 2, activation: { name: 'sine', frequency: { value: 3, trainable: true } } },
  },
  skip: [publishedWave],
});
