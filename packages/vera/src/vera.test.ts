import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod } from '@loran/testing';
import { beforeAll } from 'vitest';
import { vera } from './vera.js';

beforeAll(() => openEngine(portableEngine('cpu')));

describeAdapterMethod(vera, {
  configs: {
    plain: { rank: 4 },
    'of more directions than the weights have, with dropout': { rank: 12, dropout: 0.1, dInitial: 0.3 },
  },
  parameterCount: ({ rank }, { rows }) => rank + rows,
  startsFrom: 'constants',
});
