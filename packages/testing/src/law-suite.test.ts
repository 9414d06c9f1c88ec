import { describe, expect, test } from 'vitest';
import { testLaws } from './law-suite.js';

const ran: string[] = [];
const laws = { 'all is well': () => void ran.push('well'), 'all is new': () => void ran.push('new') };

describe('a suite', () => {
  testLaws(laws, undefined, { config: 'one', skip: [{ law: 'all is new', reason: 'nothing is', configs: ['one'] }] });
  testLaws(laws, undefined, { config: 'two', skip: [{ law: 'all is new', reason: 'nothing is', configs: ['one'] }] });
});

test('runs each law once, but those skipped for that configuration', () => {
  expect(ran).toEqual(['well', 'well', 'new']);
});

test('a skip that names no law is refused, with the nearest', () => {
  expect(() => testLaws(laws, undefined, { skip: [{ law: 'all is knew', reason: 'x' }] })).toThrow(
    /no law 'all is knew' to skip. Did you mean 'all is new'\?/,
  );
});

test('a skip without a reason is refused', () => {
  expect(() => testLaws(laws, undefined, { skip: [{ law: 'all is new', reason: ' ' }] })).toThrow(/without a reason/);
});
