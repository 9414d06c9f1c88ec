import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod } from '@loran/testing';
import { beforeAll } from 'vitest';
import { lora } from './lora.js';

beforeAll(() => openEngine(portableEngine('cpu')));

describeAdapterMethod(lora, {
  configs: {
    factored: { rank: 2, alpha: 4 },
    'weight-space': { rank: 2, alpha: 4, form: 'weight-space' },
    'with dropout': { rank: 3, alpha: 6, dropout: 0.1 },
    'weight-space with dropout': { rank: 3, alpha: 6, dropout: 0.1, form: 'weight-space' },
    'rsLoRA from Gaussian values': { rank: 4, alpha: 4, rsLora: true, init: 'gaussian' },
  },
  kinds: ['linear', 'embedding'],
  parameterCount: ({ rank }, { rows, columns }) => rank * (rows + columns),
});
