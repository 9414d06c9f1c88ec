/** LoRAN, which forms its update again in the backward pass, keeps the laws on the lazy engine as well. */
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { createOnnxruntimeEngine } from '@loran/engine-onnxruntime';
import { loran } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import { closeEngine, openEngine } from '@loran/tensor';
import { describeAdapterMethod } from '@loran/testing';
import { afterAll, beforeAll } from 'vitest';

beforeAll(() => openEngine(createOnnxruntimeEngine({ log: () => undefined }), { device: 'cpu', threads: 1 }));
afterAll(closeEngine);

const registry = createActivationRegistry(standardActivations);

describeAdapterMethod(loran, {
  resolve: (_, name) => registry.get(name),
  bases: [nf4],
  parameterCount: ({ rank, activation }, { rows, columns }) =>
    rank * (rows + columns) + (typeof activation === 'object' ? 1 : 0), // the frequency
  configs: {
    'trained sine': { rank: 2, alpha: 2, activation: { name: 'sine', frequency: { value: 3, trainable: true } } },
    'tanh with dropout': { rank: 3, alpha: 6, dropout: 0.1, activation: 'tanh' },
  },
});
