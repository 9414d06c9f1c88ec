/**
 * How a configuration names an activation: `'sinter'`, `{ name: 'snake', a: 10 }`, `{ name: 'sine', frequency:
 * { value: 30, trainable: true } }`, or the activation itself where the configuration is a value in a program.
 */
import { LoranError, type Plugin } from '@loran/plugin';
import { isActivation, type Activation } from './define-activation.js';
import type { ActivationInstance } from './instance.js';
import { overrideParameters, type ParameterOverride, type ParameterOverrides } from './parameter.js';

/** The name and the overridden parameters, as JSON or YAML can hold them. */
export type NamedActivationSpec =
  string | { readonly name: string; readonly [parameter: string]: string | ParameterOverride };

export type ActivationSpec = NamedActivationSpec | Activation;

export interface ResolvedActivation {
  readonly activation: Activation;
  readonly overrides: ParameterOverrides;
  instantiate(): ActivationInstance;
}

/** Splits a spec into a name and overrides, without asking whether they exist. Throws INVALID_ACTIVATION_SPEC. */
export function parseActivationSpec(spec: unknown): { readonly name: string; readonly overrides: ParameterOverrides } {
  if (typeof spec === 'string' && spec !== '') return { name: spec, overrides: {} };
  if (typeof spec !== 'object' || spec === null) throw invalid(spec);
  const { name, ...overrides } = spec as Record<string, unknown>;
  if (typeof name !== 'string' || name === '') throw invalid(spec);
  for (const [parameter, value] of Object.entries(overrides)) {
    if (!isOverride(value)) {
      throw new LoranError(
        'INVALID_ACTIVATION_SPEC',
        `Parameter '${parameter}' of the activation '${name}' is ${JSON.stringify(value)}; ` +
          'expected a number or { value, trainable }.',
      );
    }
  }
  return { name, overrides: overrides as ParameterOverrides };
}

/**
 * The activation that a spec means, its overrides checked. `lookup` finds a plugin by name, like `Registry.get`; it is not
 * asked when the spec is the activation itself.
 */
export function resolveActivation(spec: ActivationSpec, lookup: (name: string) => Plugin): ResolvedActivation {
  if (isActivation(spec)) return resolved(spec, {});
  const { name, overrides } = parseActivationSpec(spec);
  const found = lookup(name);
  if (!isActivation(found)) {
    throw new LoranError(
      'INVALID_ACTIVATION_SPEC',
      `'${name}' is not an activation (kind '${found.kind}'). Make one with defineActivation().`,
    );
  }
  return resolved(found, overrides);
}

function resolved(activation: Activation, overrides: ParameterOverrides): ResolvedActivation {
  overrideParameters(activation.name, activation.parameters, overrides);
  return { activation, overrides, instantiate: () => activation.instantiate({ overrides }) };
}

function isOverride(value: unknown): value is ParameterOverride {
  if (typeof value === 'number') return true;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { value: number, trainable } = value as { value?: unknown; trainable?: unknown };
  return ['number', 'undefined'].includes(typeof number) && ['boolean', 'undefined'].includes(typeof trainable);
}

function invalid(spec: unknown): LoranError {
  return new LoranError(
    'INVALID_ACTIVATION_SPEC',
    `An activation is given as a name ('sinter') or as an object with a name and parameters ({ name: 'sine', frequency: 30 }); ` +
      `got ${JSON.stringify(spec ?? null)}.`,
  );
}
