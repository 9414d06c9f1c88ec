import { expect, test } from 'vitest';
import { restoreRemovedUtil } from './removed-util.js';

test('what Node removed is put back, and what it has is left alone', () => {
  const kept = () => true;
  const util: Record<string, unknown> = { isArray: kept };
  restoreRemovedUtil(util);
  expect(util.isArray).toBe(kept);
  const isNullOrUndefined = util.isNullOrUndefined as (value: unknown) => boolean;
  expect([null, undefined, 0, '', false].map(isNullOrUndefined)).toEqual([true, true, false, false, false]);
});
