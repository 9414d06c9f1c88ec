/** VeRA and PEFT: adapters that PEFT saved give its outputs here, and what is written here is what PEFT writes. */
import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { describePeftAdapters } from '@loran/testing';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { vera } from './vera.js';
import { peftFormat } from './peft-format.js';

beforeAll(() => openEngine(portableEngine('cpu')));

describePeftAdapters(vera, fileURLToPath(new URL('./__fixtures__/peft', import.meta.url)));

test.each([
  [{ save_projection: false }, '"save_projection": false'],
  [{ bias: 'vera_only' }, '"bias": "vera_only"'],
  [{ use_something_new: true }, '"use_something_new": true'],
])('%j is refused by name', (fields, message) => {
  const read = () => peftFormat.fromFile({ peft_type: 'VERA', target_modules: ['q_proj'], r: 4, ...fields });
  expect(read).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_PEFT_FEATURE' }));
  expect(read).toThrow(message);
});

test('the configuration needs no more than PEFT does, and comes back from its own fields', () => {
  expect(
    vera.config.parse(peftFormat.fromFile({ peft_type: 'VERA', target_modules: ['q_proj'], bias: 'none' })),
  ).toEqual({
    rank: 256,
    dropout: 0,
    dInitial: 0.1,
    projectionKey: 0,
  });
  const config = vera.config.parse({ rank: 3, dropout: 0.2, dInitial: 1, projectionKey: 7 });
  expect(
    vera.config.parse(peftFormat.fromFile(peftFormat.toFile(config, { conv1d: false, layers: new Map() }))),
  ).toEqual(config);
});
