import fc from 'fast-check';
import { expect, test } from 'vitest';
import { duplicateKey } from './duplicate-key.js';

test.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":{"b":1,"c":[{"b":1,"b":2}]}}', 'b'],
  ['{"a\\"":1 , "a\\u0022" : 2}', 'a"'],
  ['{"":1,"":2}', ''],
  ['{"a":{"a":{"a":1}},"b":"a"}', undefined],
  ['{"a":"a\\":","b":["a","a"]}', undefined],
  ['["a","a",{"a":1},{"a":1}]', undefined],
])('%s', (json, key) => {
  expect(duplicateKey(json)).toBe(key);
});

test('no text that JSON.stringify writes holds a key twice', () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom(0, 2),
      (value, indent) => duplicateKey(JSON.stringify(value, null, indent)) === undefined,
    ),
  );
});
