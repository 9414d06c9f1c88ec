/** HiRA and PEFT: adapters that PEFT saved give its outputs here, and what is written here is what PEFT writes. */
import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { describePeftAdapters } from '@loran/testing';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { hira } from './hira.js';
import { peftFormat } from './peft-format.js';

beforeAll(() => openEngine(portableEngine('cpu')));

describePeftAdapters(hira, fileURLToPath(new URL('./__fixtures__/peft', import.meta.url)));

test('a field that PEFT does not have is refused by name', () => {
  const read = () => peftFormat.fromFile({ peft_type: 'HIRA', target_modules: ['q_proj'], hira_alpha: 4 });
  expect(read).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_PEFT_FEATURE' }));
  expect(read).toThrow('"hira_alpha": 4');
});

test('the configuration needs no more than PEFT does, and comes back from its own fields', () => {
  expect(hira.config.parse(peftFormat.fromFile({ peft_type: 'HIRA', target_modules: ['q_proj'] }))).toEqual({
    rank: 32,
    dropout: 0,
    init: 'kaiming',
  });
  const config = hira.config.parse({ rank: 3, dropout: 0.2, init: 'gaussian' });
  expect(
    hira.config.parse(peftFormat.fromFile(peftFormat.toFile(config, { conv1d: false, layers: new Map() }))),
  ).toEqual(config);
});
