import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod } from '@loran/testing';
import { beforeAll } from 'vitest';
import { hira } from './hira.js';

beforeAll(() => openEngine(portableEngine('cpu')));

describeAdapterMethod(hira, {
  configs: {
    plain: { rank: 2 },
    'with dropout, from Gaussian values': { rank: 4, dropout: 0.1, init: 'gaussian' },
  },
  kinds: ['linear', 'embedding'],
  parameterCount: ({ rank }, { rows, columns }) => rank * (rows + columns),
});
