import { expect, test } from 'vitest';
import type { Attrs } from '../kernels/kernel.js';
import { nodeKey } from './node-key.js';

const key = (attrs: Attrs) => nodeKey('Op', attrs, [{ shape: [2], dtype: 'float32' }], false);

test('attributes that differ give other keys, where JSON would not tell them apart', () => {
  const attributes: Attrs[] = [
    { a: 0 },
    { a: -0 },
    { a: NaN },
    { a: Infinity },
    { a: -Infinity },
    { a: '0' },
    { a: true },
    { a: 'true' },
    { a: [0] },
    { a: [-0] },
    { a: [] },
    { b: 0 },
    { a: '0|b=1' },
    { a: 0, b: 1 },
    {},
  ];
  expect(new Set(attributes.map(key)).size).toBe(attributes.length);
});

test('an attribute left out is one that is undefined', () => {
  expect(key({ a: undefined })).toBe(key({}));
});

test('outputs and rawness are part of the key', () => {
  const spec = { shape: [2, 3], dtype: 'float32' } as const;
  const keys = [
    nodeKey('Op', {}, [spec], false),
    nodeKey('Op', {}, [spec], true),
    nodeKey('Op', {}, [spec, spec], false),
    nodeKey('Op', {}, [{ ...spec, shape: [3, 2] }], false),
    nodeKey('Op', {}, [{ ...spec, dtype: 'int32' }], false),
    nodeKey('Op', {}, [{ ...spec, type: 'bfloat16' }], false),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});
