/**
 * The activations of the authors' code under their own names, and ours for them.
 *
 *   Sin        z + A·z·sin(ωz)     sinter, with `mlora_af_sin_A` and `mlora_af_sin_omega`
 *   Cos        z + z·cos(10⁴z)     cosine
 *   Swish      z·σ(25z)            swish-25
 *   Gaussian   ½·z·exp(−z²)        gaussian
 *   Sigmoid, Tanh, Relu, Silu, Identity: as usual
 */
import {
  cosine,
  gaussian,
  identity,
  parseActivationSpec,
  relu,
  sigmoid,
  silu,
  sinter,
  sinterClassDefaults,
  swish,
  swish25,
  tanh,
  type Activation,
  type ActivationSpec,
} from '@loran/activations';
import { LoranError, nearest } from '@loran/plugin';

type Values = Readonly<Record<string, number>>;

/** Their name -> our activation. */
const activations: ReadonlyMap<string, Activation> = new Map<string, Activation>([
  ['Sigmoid', sigmoid],
  ['Tanh', tanh],
  ['Relu', relu],
  ['Silu', silu],
  ['Identity', identity],
  ['Swish', swish25],
  ['Sin', sinter],
  ['Cos', cosine],
  ['Gaussian', gaussian],
]);

/** Ours that compute the same as one of theirs where their parameters agree. */
const equals: ReadonlyMap<string, readonly [theirs: string, ours: Activation]> = new Map<
  string,
  readonly [string, Activation]
>([
  ...[...activations].map(([theirs, ours]) => [ours.name, [theirs, ours]] as const),
  [sinterClassDefaults.name, ['Sin', sinterClassDefaults]],
  [swish.name, ['Swish', swish]],
]);

export interface MloraActivation {
  readonly name: string;
  /** A and ω of `Sin`; of others their defaults, which mean nothing. */
  readonly amplitude: number;
  readonly frequency: number;
}

/** The defaults of the authors' configuration class, for fields that a file leaves out. */
export const mloraDefaults: MloraActivation = { name: 'Sigmoid', amplitude: 5e-4, frequency: 1e3 };

/** Ours for theirs. Throws UNKNOWN_MLORA_ACTIVATION. */
export function fromMlora({ name, amplitude, frequency }: MloraActivation): ActivationSpec {
  const ours = activations.get(name);
  if (ours === undefined) {
    const [near] = nearest(name, [...activations.keys()]);
    throw new LoranError(
      'UNKNOWN_MLORA_ACTIVATION',
      `adapter_config.json has "mlora_af": ${JSON.stringify(name)}, which the authors' code does not have.${near === undefined ? '' : ` Did you mean ${near}?`} It has ${[...activations.keys()].join(', ')}.`,
    );
  }
  return ours === sinter ? { name: sinter.name, amplitude, frequency } : ours.name;
}

/** Theirs for ours; undefined where they have none that computes the same, or where a parameter is trained. */
export function toMlora(spec: ActivationSpec): MloraActivation | undefined {
  const { name, overrides } = parseActivationSpec(typeof spec === 'object' && 'kind' in spec ? spec.name : spec);
  const [theirs, ours] = equals.get(name) ?? [];
  if (theirs === undefined || ours === undefined) return undefined;
  const values: Record<string, number> = {};
  for (const [parameter, { initial, trainable }] of Object.entries(ours.parameters)) {
    const override = overrides[parameter] ?? {};
    const { value = initial, trainable: trained = trainable } =
      typeof override === 'number' ? { value: override } : override;
    if (trained) return undefined;
    values[parameter] = value;
  }
  if (theirs === 'Sin') return { name: theirs, amplitude: values.amplitude!, frequency: values.frequency! };
  return sameAs(values, activations.get(theirs)!) ? { ...mloraDefaults, name: theirs } : undefined;
}

const sameAs = (values: Values, { parameters }: Activation): boolean =>
  Object.entries(parameters).every(([name, { initial }]) => values[name] === initial);
