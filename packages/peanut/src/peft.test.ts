/** PEANuT and PEFT: adapters that PEFT saved give its outputs here, and what is written here is what PEFT writes. */
import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { describePeftAdapters } from '@loran/testing';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { peanut } from './peanut.js';
import { peftFormat } from './peft-format.js';

beforeAll(() => openEngine(portableEngine('cpu')));

describePeftAdapters(peanut, fileURLToPath(new URL('./__fixtures__/peft', import.meta.url)));

test.each([
  [{ act_fn: 'xielu' }, '"act_fn": "xielu"'],
  [{ bias: 'all' }, '"bias": "all"'],
])('%j is refused by name', (fields, message) => {
  const read = () => peftFormat.fromFile({ peft_type: 'PEANUT', target_modules: ['q_proj'], ...fields });
  expect(read).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_PEFT_FEATURE' }));
  expect(read).toThrow(message);
});

test('the configuration needs no more than PEFT does, and comes back from its own fields', () => {
  expect(peanut.config.parse(peftFormat.fromFile({ peft_type: 'PEANUT', target_modules: ['q_proj'] }))).toEqual({
    rank: 32,
    depth: 0,
    activation: 'relu',
    scaling: 1,
  });
  for (const activation of ['gelu_new', 'sinter', { name: 'sine', frequency: 3 }]) {
    const config = peanut.config.parse({ rank: 3, depth: 2, scaling: 0.5, activation });
    expect(
      peanut.config.parse(peftFormat.fromFile(peftFormat.toFile(config, { conv1d: false, layers: new Map() }))),
    ).toEqual(config);
  }
  expect(
    peftFormat.toFile(peanut.config.parse({ activation: 'identity' }), { conv1d: false, layers: new Map() }),
  ).toMatchObject({
    act_fn: 'linear',
  });
});
