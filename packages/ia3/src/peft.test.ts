/** IA³ and PEFT: adapters that PEFT saved give its outputs here, and what is written here is what PEFT writes. */
import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { describePeftAdapters } from '@loran/testing';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { isFeedforward } from './feedforward.js';
import { ia3 } from './ia3.js';
import { peftFormat } from './peft-format.js';

beforeAll(() => openEngine(portableEngine('cpu')));

describePeftAdapters(ia3, fileURLToPath(new URL('./__fixtures__/peft', import.meta.url)));

test.each([
  [{ feedforward_modules: null }, '"feedforward_modules": null'],
  [{}, '"feedforward_modules": null'],
  [{ feedforward_modules: [], use_something_new: 1 }, '"use_something_new": 1'],
])('%j is refused by name', (fields, message) => {
  const read = () => peftFormat.fromFile({ peft_type: 'IA3', target_modules: ['k'], ...fields });
  expect(read).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_PEFT_FEATURE' }));
  expect(read).toThrow(message);
});

test('the configuration comes back from its own fields', () => {
  for (const feedforwardModules of [[], ['wo'], '.*wo']) {
    const config = ia3.config.parse({ feedforwardModules });
    expect(
      ia3.config.parse(peftFormat.fromFile(peftFormat.toFile(config, { conv1d: true, layers: new Map() }))),
    ).toEqual(config);
  }
});

test.each([
  [['wo'], 'decoder.block.0.wo', true],
  [['o'], 'decoder.block.0.wo', true], // endings, not whole names: as PEFT has it
  [['wo'], 'decoder.wo.x', false],
  ['.*wo', 'decoder.block.0.wo', true],
  ['wo', 'decoder.block.0.wo', false],
])('%j names the inputs of %s: %s', (names, path, expected) => {
  expect(isFeedforward(names, path)).toBe(expected);
});
