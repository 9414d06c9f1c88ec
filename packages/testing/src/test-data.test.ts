import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { testData } from './test-data.js';

const folder = mkdtempSync(path.join(tmpdir(), 'loran-data-'));
mkdirSync(path.join(folder, 'models', 'tiny'), { recursive: true });

afterEach(() => vi.unstubAllEnvs());

test('finds what lies under LORAN_TEST_DATA', () => {
  vi.stubEnv('LORAN_TEST_DATA', folder);
  expect(testData('models', 'tiny')).toBe(path.join(folder, 'models', 'tiny'));
  expect(testData('models/tiny')).toBe(path.join(folder, 'models', 'tiny'));
  expect(testData('models/huge')).toBeUndefined();
  rmSync(folder, { recursive: true });
  expect(testData('models/tiny')).toBeUndefined();
});

test.each([undefined, ''])('is undefined while the variable is %j', (value) => {
  vi.stubEnv('LORAN_TEST_DATA', value);
  expect(testData()).toBeUndefined();
});
