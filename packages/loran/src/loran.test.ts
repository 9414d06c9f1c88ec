import '@tensorflow/tfjs-backend-cpu';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import type { FrozenWeight } from '@loran/adapter';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod } from '@loran/testing';
import { beforeAll } from 'vitest';
import { loran } from './loran.js';
import type { LoranConfig } from './loran-config.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const registry = createActivationRegistry(standardActivations);

const options = {
  resolve: (_: string, name: string) => registry.get(name),
  parameterCount(config: LoranConfig, { kind, rows, columns }: Pick<FrozenWeight, 'kind' | 'rows' | 'columns'>) {
    const { rank, depth, projections, biases, activation } = config;
    const [width, height] = kind === 'linear' ? [columns, rows] : [rows, columns];
    const widths = projections.length > 0 ? [...projections, width] : Array.from({ length: depth + 1 }, () => width);
    const [first = 0, ...others] = widths;
    const P = projections.length > 0 ? others.reduce((sum, size, i) => sum + size * widths[i]!, 0) : 0;
    const b = biases ? others.reduce((sum, size) => sum + size, 0) : 0;
    const trained = Object.values(activation).filter(
      (value) => typeof value === 'object' && 'trainable' in value,
    ).length;
    return rank * (first + height) + P + b + trained;
  },
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
    'sinter with A and ω trained': {
      rank: 2,
      alpha: 4,
      activation: {
        name: 'sinter',
        amplitude: { value: 0.4, trainable: true },
        frequency: { value: 5, trainable: true },
      },
    },
    sigmoid: { rank: 2, alpha: 4, activation: 'sigmoid', init: 'gaussian' },
    relu: { rank: 2, alpha: 4, activation: 'relu' },
    'two projections and biases': { rank: 2, alpha: 4, activation: 'tanh', projections: [3, 4], biases: true },
    'sigmoid behind which P starts at 0': { rank: 2, alpha: 4, activation: 'sigmoid', projections: [4], dropout: 0.1 },
    'applied twice': { rank: 2, alpha: 4, activation: 'tanh', depth: 2, biases: true, scaling: 'sqrt-rank' },
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
    'two projections and biases': { rank: 2, alpha: 4, activation: 'tanh', projections: [3, 4], biases: true },
  },
  skip: [publishedWave],
});
