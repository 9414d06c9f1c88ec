import { describe, expect, test } from 'vitest';
import { LoranError } from './loran-error.js';
import { nearest } from './nearest.js';
import type { Plugin } from './plugin.js';
import { Registry } from './registry.js';

const activation = (name: string, from: string | null = null): Plugin => ({
  kind: 'activation',
  name,
  package: from,
  version: from && '1.0.0',
});

describe('LoranError', () => {
  test('is recognised by its brand, also from another copy of the package', () => {
    const error = new LoranError('SOME_CODE', 'what happened');
    const foreign = Object.assign(new Error('x'), { [Symbol.for('loran.error')]: true, code: 'OTHER' });
    expect(LoranError.is(error)).toBe(true);
    expect(LoranError.is(error, 'SOME_CODE')).toBe(true);
    expect(LoranError.is(error, 'OTHER')).toBe(false);
    expect(LoranError.is(foreign, 'OTHER')).toBe(true);
    expect(LoranError.is(new Error('plain'))).toBe(false);
    expect(LoranError.is(null)).toBe(false);
  });

  test('keeps its cause', () => {
    const cause = new Error('below');
    expect(new LoranError('C', 'm', { cause }).cause).toBe(cause);
  });
});

describe('Registry', () => {
  test('finds what was added, in order', () => {
    const [a, b] = [activation('sine'), activation('tanh')];
    const registry = new Registry('activation', [a]).add(b);
    expect(registry.get('tanh')).toBe(b);
    expect(registry.list()).toEqual([a, b]);
    expect(registry.has('relu')).toBe(false);
  });

  test('takes the same value twice and refuses another under its name, saying where both come from', () => {
    const sine = activation('sine', '@loran/activations');
    const registry = new Registry('activation', [sine]).add(sine);
    expect(() => registry.add(activation('sine'))).toThrow(
      /'sine' \(defined in this process\).*@loran\/activations@1\.0\.0/,
    );
  });

  test('suggests the nearest name', () => {
    const registry = new Registry('activation', [activation('sinter'), activation('tanh')]);
    expect(() => registry.get('sintr')).toThrow(
      /Unknown activation 'sintr'\. Did you mean 'sinter'\?.*Known: sinter, tanh/,
    );
    expect(() => new Registry('activation').get('x')).toThrow(/Known: none/);
  });

  test('two registries know nothing of each other', () => {
    new Registry('activation').add(activation('mine'));
    expect(new Registry('activation').has('mine')).toBe(false);
  });
});

test('nearest ranks by distance, ignores case and leaves out the unlike', () => {
  expect(nearest('QUERY', ['key', 'self.query', 'value', 'query'])).toEqual(['query', 'self.query']);
  expect(nearest('', ['a'])).toEqual([]);
  expect(nearest('abc', ['abd', 'abe', 'abf', 'abg'])).toHaveLength(3);
});
