/** Every method over every base, by every law; docs/law-matrix.md is what came out. */
import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { describeAdapterMethod } from '@loran/testing';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { bases, methods, resolve } from './cases.js';
import { matrixPage, type Outcome } from './matrix-page.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const outcomes: Outcome[] = [];

describe.each(methods)(
  '$name',
  ({ name, method, config, count, kinds = ['linear', 'embedding'], skip = [], startsFrom }) => {
    describe.each(bases)('over $storage.name', ({ storage, tolerances, skip: ofBase = [] }) => {
      describeAdapterMethod(method, {
        configs: { [name]: config },
        parameterCount: (_, shape) => count(shape),
        kinds,
        bases: [storage],
        resolve,
        skip: [...skip, ...ofBase],
        report: ({ law, skipped, kind }) => outcomes.push({ method: name, base: storage.name, law, skipped, kind }),
        ...(tolerances && { tolerances }),
        ...(startsFrom && { startsFrom }),
      });
    });
  },
);

test('the page shows these results', async () => {
  expect(outcomes.length).toBeGreaterThan(methods.length * bases.length);
  await expect(matrixPage(outcomes)).toMatchFileSnapshot(path.resolve(import.meta.dirname, '../../docs/law-matrix.md'));
});
