import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod } from '@loran/testing';
import { beforeAll } from 'vitest';
import { lora } from './lora.js';
import type { LoraConfig } from './lora-config.js';
import { trainableTokens } from './trainable-tokens.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const lowRank = ({ rank }: LoraConfig, { rows, columns }: { rows: number; columns: number }) => rank * (rows + columns);
const gradients = 'its gradients equal finite differences';
const start = 'starts as the base model';
const file = 'saved and loaded, its parameters are the same bits';

describeAdapterMethod(lora, {
  configs: {
    factored: { rank: 2, alpha: 4 },
    'weight-space': { rank: 2, alpha: 4, form: 'weight-space' },
    'with dropout': { rank: 3, alpha: 6, dropout: 0.1 },
    'weight-space with dropout': { rank: 3, alpha: 6, dropout: 0.1, form: 'weight-space' },
    'rsLoRA from Gaussian values': { rank: 4, alpha: 4, rsLora: true, init: 'gaussian' },
    DoRA: { rank: 2, alpha: 4, dora: true, dropout: 0.1 },
  },
  kinds: ['linear', 'embedding'],
  parameterCount: (config, layer) =>
    lowRank(config, layer) + (config.dora ? (layer.kind === 'linear' ? layer.rows : layer.columns) : 0),
  skip: [
    {
      law: gradients,
      configs: ['DoRA'],
      reason: 'The norm gets no gradient (paper §4.3); compared with PEFT instead.',
    },
  ],
});

describeAdapterMethod(lora, {
  configs: {
    orthogonal: { rank: 4, alpha: 4, init: 'orthogonal' },
    'biases of the targets, and behind B': { rank: 2, alpha: 4, bias: 'lora_only', loraBias: true },
  },
  parameterCount: (config, layer) =>
    lowRank(config, layer) +
    (config.loraBias ? layer.rows : 0) +
    (config.bias === 'lora_only' && layer.biased ? layer.rows : 0),
  skip: [
    { law: start, configs: ['orthogonal'], reason: 'Its factors cancel but for rounding; tested with a tolerance.' },
  ],
});

describeAdapterMethod(lora, {
  configs: {
    PiSSA: { rank: 2, alpha: 4, init: 'pissa' },
    'PiSSA with DoRA': { rank: 2, alpha: 4, init: 'pissa_niter_2', dora: true },
    'OLoRA in weight space, with dropout': { rank: 2, alpha: 4, init: 'olora', form: 'weight-space', dropout: 0.1 },
  },
  startsFrom: 'constants',
  parameterCount: (config, layer) => lowRank(config, layer) + (config.dora ? layer.rows : 0),
  skip: [
    { law: gradients, configs: ['PiSSA with DoRA'], reason: 'The norm gets no gradient (paper §4.3).' },
    { law: file, reason: 'Its file is the plain LoRA of twice the rank that it equals; tested by its outputs.' },
  ],
});

describeAdapterMethod(trainableTokens, {
  configs: { 'rows of an embedding': { tokens: [8, 1, 4, 0] } },
  kinds: ['embedding'],
  startsFrom: 'constants',
  parameterCount: ({ tokens }, { columns }) => tokens.length * columns,
});
