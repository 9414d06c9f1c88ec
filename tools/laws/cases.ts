/**
 * What the matrix of laws is made of: every method in its main forms, and every base storage. A row runs all laws of adapter methods over each
 * base; the base is the first and only one, so every law runs on it, not only 'works over every base'.
 */
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { bf16, fp32, type AdapterMethod, type BaseStorage, type FrozenWeight } from '@loran/adapter';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import type { AdapterMethodLawOptions, SkippedLaw } from '@loran/testing';

type Shape = Parameters<AdapterMethodLawOptions<unknown, unknown>['parameterCount']>[1];

export interface MethodCase {
  /** The row's name. */
  readonly name: string;
  readonly method: AdapterMethod;
  readonly config: object;
  /** Parameters of one layer. */
  readonly count: (shape: Shape) => number;
  /** Kinds of weight; default linear and embedding. */
  readonly kinds?: readonly FrozenWeight['kind'][];
  readonly skip?: readonly SkippedLaw[];
}

export interface BaseCase {
  readonly storage: BaseStorage;
  readonly tolerances?: AdapterMethodLawOptions<unknown, unknown>['tolerances'];
  readonly skip?: readonly SkippedLaw[];
}

const activations = createActivationRegistry(standardActivations);
export const resolve = (_: string, name: string) => activations.get(name);

/** Parameters of two factors of rank 2. */
const factors = ({ rows, columns }: Shape) => 2 * (rows + columns);

const wave: SkippedLaw = {
  law: 'its gradients equal finite differences',
  reason: 'a wave of 1e4 rad per unit is finer than the steps of fp32 differences; the row with slow waves has them',
};

const row = <Config>(
  name: string,
  method: AdapterMethod<Config>,
  config: object,
  rest: Partial<MethodCase> = {},
): MethodCase => ({ name, method: method as AdapterMethod, config: { rank: 2, ...config }, count: factors, ...rest });

export const methods: readonly MethodCase[] = [
  row('LoRA', lora, { alpha: 4 }),
  row('LoRA in weight space, with dropout', lora, { alpha: 4, dropout: 0.1, form: 'weight-space' }),
  row('rsLoRA', lora, { alpha: 4, rsLora: true }),
  row('LoRAN, Sinter as published', loran, { alpha: 4 }, { skip: [wave] }),
  row('LoRAN, Sinter in slow waves', loran, {
    alpha: 4,
    activation: { name: 'sinter', amplitude: 0.4, frequency: 5 },
  }),
  row('LoRAN, tanh, with dropout', loran, { alpha: 4, dropout: 0.1, activation: 'tanh' }),
  row(
    'LoRAN, sine of trained frequency',
    loran,
    { alpha: 2, activation: { name: 'sine', frequency: { value: 3, trainable: true } } },
    { count: (shape) => factors(shape) + 1 },
  ),
];

export const bases: readonly BaseCase[] = [{ storage: fp32 }, { storage: bf16 }, { storage: nf4 }];
