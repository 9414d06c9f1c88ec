/** QLoRA: the method `lora` over the storages of 4 bits. */
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll } from 'vitest';
import { lora } from '@loran/lora';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod } from '@loran/testing';
import { fp4 } from './fp4.js';
import { createNf4, nf4 } from './nf4.js';

beforeAll(async () => {
  await openEngine(portableEngine('cpu'));
});

describeAdapterMethod(lora, {
  bases: [nf4, createNf4({ doubleQuantisation: false }), fp4],
  kinds: ['linear', 'embedding'],
  configs: {
    factored: { rank: 2, alpha: 4 },
    'weight space': { rank: 2, alpha: 4, form: 'weight-space' },
    'with dropout': { rank: 2, alpha: 4, dropout: 0.2 },
  },
  parameterCount: ({ rank }, { rows, columns }) => rank * (rows + columns),
});
