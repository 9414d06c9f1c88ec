/**
 * Parameters of an activation: what a definition declares, what a use of it may override, and the checks of both.
 */
import { LoranError, nearest } from '@loran/plugin';

/** A parameter as an activation declares it. A bare number is fixed. */
export interface ParameterOptions {
  readonly initial: number;
  /** Whether training changes it; default false. */
  readonly trainable?: boolean;
  /** Smallest and largest value that the activation may be given, in training as well. Unbounded when omitted. */
  readonly min?: number;
  readonly max?: number;
}

export interface ActivationParameter {
  readonly initial: number;
  readonly trainable: boolean;
  readonly min: number; // -Infinity where unbounded
  readonly max: number; // Infinity where unbounded
}

/** Another value for a parameter, or another choice of whether it is trained; what is omitted stays as declared. */
export type ParameterOverride = number | { readonly value?: number; readonly trainable?: boolean };

export type ParameterOverrides<Name extends string = string> = Readonly<Partial<Record<Name, ParameterOverride>>>;

type Declared = Readonly<Record<string, ActivationParameter>>;

/** Completes the parameters of a definition; throws INVALID_ACTIVATION. */
export function declareParameters<Name extends string>(
  activation: string,
  parameters: Readonly<Record<Name, number | ParameterOptions>>,
): Readonly<Record<Name, ActivationParameter>> {
  const declared = Object.fromEntries(
    Object.entries<number | ParameterOptions>(parameters).map(([name, options]) => {
      const given = typeof options === 'number' ? { initial: options } : options;
      const place = `Parameter '${name}' of the activation '${activation}'`;
      if (name === 'name') {
        throw new LoranError('INVALID_ACTIVATION', `${place} collides with the field that names the activation.`);
      }
      refuseUnknownFields(place, given, ['initial', 'trainable', 'min', 'max'], 'INVALID_ACTIVATION');
      const { initial, trainable = false, min = -Infinity, max = Infinity } = given;
      if (!Number.isFinite(initial) || !(min <= initial && initial <= max)) {
        throw new LoranError(
          'INVALID_ACTIVATION',
          `${place} starts at ${initial}; expected a finite number ${range({ min, max })}.`,
        );
      }
      return [name, { initial, trainable, min, max }];
    }),
  );
  return declared as Record<Name, ActivationParameter>;
}

/**
 * The declared parameters with the overrides of one use applied. Throws UNKNOWN_ACTIVATION_PARAMETER, with the nearest
 * name, and ACTIVATION_PARAMETER_OUT_OF_BOUNDS.
 */
export function overrideParameters(activation: string, declared: Declared, overrides: ParameterOverrides): Declared {
  const changed = new Map(Object.entries(declared));
  for (const [name, override] of Object.entries(overrides)) {
    if (override === undefined) continue;
    const parameter = changed.get(name);
    if (parameter === undefined) throw unknownParameter(activation, name, Object.keys(declared));
    const place = `Parameter '${name}' of the activation '${activation}'`;
    const given = typeof override === 'number' ? { value: override } : override;
    refuseUnknownFields(place, given, ['value', 'trainable'], 'UNKNOWN_ACTIVATION_PARAMETER');
    const { value = parameter.initial, trainable = parameter.trainable } = given;
    if (!Number.isFinite(value) || value < parameter.min || value > parameter.max) {
      throw new LoranError(
        'ACTIVATION_PARAMETER_OUT_OF_BOUNDS',
        `${place} was given ${String(value)}; expected a finite number ${range(parameter)}.`,
      );
    }
    changed.set(name, { ...parameter, initial: value, trainable });
  }
  return Object.fromEntries(changed);
}

function unknownParameter(activation: string, name: string, known: readonly string[]): LoranError {
  const has = known.length > 0 ? `It has: ${known.join(', ')}.` : 'It has none.';
  return new LoranError(
    'UNKNOWN_ACTIVATION_PARAMETER',
    `The activation '${activation}' has no parameter '${name}'. ${suggestion(name, known)}${has}`,
  );
}

function refuseUnknownFields(place: string, given: object, known: readonly string[], code: string): void {
  const unknown = Object.keys(given).find((field) => !known.includes(field));
  if (unknown === undefined) return;
  const canHave = `It can have: ${known.join(', ')}.`;
  throw new LoranError(code, `${place} has no field '${unknown}'. ${suggestion(unknown, known)}${canHave}`);
}

function suggestion(name: string, known: readonly string[]): string {
  const [near] = nearest(name, known);
  return near === undefined ? '' : `Did you mean '${near}'? `;
}

function range({ min, max }: { min: number; max: number }): string {
  if (min === -Infinity && max === Infinity) return 'of any size';
  if (max === Infinity) return `of at least ${min}`;
  if (min === -Infinity) return `of at most ${max}`;
  return `from ${min} to ${max}`;
}
