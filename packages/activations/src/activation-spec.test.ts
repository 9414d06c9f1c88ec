import { describe, expect, test } from 'vitest';
import { parseActivationSpec, resolveActivation, type ActivationSpec } from './activation-spec.js';
import { createActivationRegistry } from './registry.js';
import { sine } from './sine.js';
import { sinter } from './sinter.js';
import { standardActivations } from './standard.js';

const registry = createActivationRegistry(standardActivations);
const resolve = (spec: ActivationSpec) => resolveActivation(spec, (name) => registry.get(name));

describe('a spec', () => {
  test('is a name', () => {
    expect(resolve('sinter')).toMatchObject({ activation: sinter, overrides: {} });
  });

  test('is a name with parameters', () => {
    const { activation, overrides } = resolve({ name: 'sine', frequency: { value: 30, trainable: true } });
    expect(activation).toBe(sine);
    expect(overrides).toEqual({ frequency: { value: 30, trainable: true } });
  });

  test('is the activation itself, without asking any registry', () => {
    const nobody = () => expect.unreachable();
    expect(resolveActivation(sine, nobody).activation).toBe(sine);
  });

  test('survives JSON', () => {
    const spec = { name: 'sinter', amplitude: 5e-4, frequency: { trainable: true } };
    expect(parseActivationSpec(JSON.parse(JSON.stringify(spec)))).toEqual(parseActivationSpec(spec));
  });

  test.each([
    [null, /got null/],
    ['', /got ""/],
    [{ frequency: 3 }, /got {"frequency":3}/],
    [{ name: 'sine', frequency: '3' }, /Parameter 'frequency' of the activation 'sine' is "3"; expected a number/],
    [{ name: 'sine', frequency: { value: '3' } }, /expected a number or \{ value, trainable \}/],
  ])('%j is refused', (spec, message) => {
    expect(() => parseActivationSpec(spec)).toThrow(expect.objectContaining({ code: 'INVALID_ACTIVATION_SPEC' }));
    expect(() => parseActivationSpec(spec)).toThrow(message);
  });

  test('its parameters are checked before anything is built', () => {
    expect(() => resolve({ name: 'sine', omega: 3 })).toThrow(/no parameter 'omega'.*It has: frequency/);
    expect(() => resolve({ name: 'sine', frequency: NaN })).toThrow(/was given NaN/);
  });

  test('an unknown name suggests the nearest', () => {
    expect(() => resolve('sintr')).toThrow(/Unknown activation 'sintr'\. Did you mean 'sinter'/);
  });

  test('a plugin of another kind is refused', () => {
    const dataset = { kind: 'dataset', name: 'posts', package: null, version: null } as const;
    expect(() => resolveActivation('posts', () => dataset)).toThrow(/'posts' is not an activation \(kind 'dataset'\)/);
  });
});

describe('a registry', () => {
  test('is empty unless told otherwise, and knows nothing of another', () => {
    const [one, other] = [createActivationRegistry(), createActivationRegistry()];
    one.add(sinter);
    expect(one.list()).toEqual([sinter]);
    expect(other.list()).toEqual([]);
  });

  test('refuses a second activation of the same name', () => {
    const impostor = { ...sine, name: 'sinter' };
    expect(() => registry.add(impostor)).toThrow(expect.objectContaining({ code: 'DUPLICATE_PLUGIN' }));
  });
});
