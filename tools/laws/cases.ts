/**
 * What the matrix of laws is made of: every method in its main forms, and every base storage. A row runs all laws of adapter methods over each
 * base; the base is the first and only one, so every law runs on it, not only 'works over every base'.
 */
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { bf16, fp32, type AdapterMethod, type BaseStorage, type FrozenWeight } from '@loran/adapter';
import { hira } from '@loran/hira';
import { ia3 } from '@loran/ia3';
import { lora, trainableTokens } from '@loran/lora';
import { loran } from '@loran/loran';
import { peanut } from '@loran/peanut';
import { fp4, int8, nf4 } from '@loran/qlora';
import type { AdapterMethodLawOptions, SkippedLaw } from '@loran/testing';
import { vera } from '@loran/vera';

type Shape = Parameters<AdapterMethodLawOptions<unknown, unknown>['parameterCount']>[1];

export interface MethodCase {
  /** The row's name. */
  readonly name: string;
  readonly method: AdapterMethod;
  readonly config: object;
  readonly startsFrom?: AdapterMethodLawOptions<unknown, unknown>['startsFrom'];
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

const differences = 'its gradients equal finite differences';
const wave: SkippedLaw = {
  law: differences,
  reason: 'a wave of 1e4 rad per unit is finer than the steps of fp32 differences; the row with slow waves has them',
};
const detached: SkippedLaw = {
  law: differences,
  reason: "DoRA's norm gets no gradient, by its paper (section 4.3); compared with PEFT instead",
};
const cancels: SkippedLaw = {
  law: 'starts as the base model',
  reason: 'orthogonal factors cancel but for rounding; tested with a tolerance',
};
const converted: SkippedLaw = {
  law: 'saved and loaded, its parameters are the same bits',
  reason: 'its file is the plain LoRA of twice the rank that it equals; tested by its outputs',
};

const row = <Config>(
  name: string,
  method: AdapterMethod<Config>,
  config: object,
  rest: Partial<MethodCase> = {},
): MethodCase => ({ name, method: method as AdapterMethod, config, count: factors, ...rest });

export const methods: readonly MethodCase[] = [
  row('LoRA', lora, { rank: 2, alpha: 4 }),
  row('LoRA in weight space, with dropout', lora, { rank: 2, alpha: 4, dropout: 0.1, form: 'weight-space' }),
  row('rsLoRA', lora, { rank: 2, alpha: 4, rsLora: true }),
  row(
    'DoRA, with dropout',
    lora,
    { rank: 2, alpha: 4, dora: true, dropout: 0.1 },
    {
      count: (shape) => factors(shape) + (shape.kind === 'linear' ? shape.rows : shape.columns),
      skip: [detached],
    },
  ),
  row('LoRA, orthogonal', lora, { rank: 2, alpha: 4, init: 'orthogonal' }, { kinds: ['linear'], skip: [cancels] }),
  row(
    'LoRA with biases',
    lora,
    { rank: 2, alpha: 4, bias: 'lora_only', loraBias: true },
    { kinds: ['linear'], count: (shape) => factors(shape) + (shape.biased ? 2 : 1) * shape.rows },
  ),
  row(
    'PiSSA',
    lora,
    { rank: 2, alpha: 4, init: 'pissa' },
    { kinds: ['linear'], startsFrom: 'constants', skip: [converted] },
  ),
  row(
    'OLoRA in weight space',
    lora,
    { rank: 2, alpha: 4, init: 'olora', form: 'weight-space' },
    { kinds: ['linear'], startsFrom: 'constants', skip: [converted] },
  ),
  row(
    'trained token rows',
    trainableTokens,
    { tokens: [8, 1, 4, 0] },
    { kinds: ['embedding'], startsFrom: 'constants', count: ({ columns }) => 4 * columns },
  ),
  row('LoRAN, Sinter as published', loran, { rank: 2, alpha: 4 }, { skip: [wave] }),
  row('LoRAN, Sinter in slow waves', loran, {
    rank: 2,
    alpha: 4,
    activation: { name: 'sinter', amplitude: 0.4, frequency: 5 },
  }),
  row('LoRAN, tanh, with dropout', loran, { rank: 2, alpha: 4, dropout: 0.1, activation: 'tanh' }),
  row(
    'LoRAN, sine of trained frequency',
    loran,
    { rank: 2, alpha: 2, activation: { name: 'sine', frequency: { value: 3, trainable: true } } },
    { count: (shape) => factors(shape) + 1 },
  ),
  row(
    'LoRAN with a projection and a bias',
    loran,
    { rank: 2, alpha: 4, activation: 'tanh', projections: [3], biases: true },
    {
      count: ({ kind, rows, columns }) => {
        const [width, height] = kind === 'linear' ? [columns, rows] : [rows, columns];
        return 2 * (3 + height) + 3 * width + width; // A, B, P, b
      },
    },
  ),
  row('VeRA', vera, { rank: 4 }, { kinds: ['linear'], startsFrom: 'constants', count: ({ rows }) => 4 + rows }),
  row('IA³, of outputs', ia3, {}, { kinds: ['linear'], startsFrom: 'constants', count: ({ rows }) => rows }),
  row(
    'IA³, of inputs',
    ia3,
    { feedforwardModules: '.*' },
    { kinds: ['linear'], startsFrom: 'constants', count: ({ columns }) => columns },
  ),
  row('HiRA', hira, { rank: 2 }),
  row(
    'PEANuT, deep, sine',
    peanut,
    { rank: 2, depth: 2, scaling: 0.5, activation: { name: 'sine', frequency: 1 } },
    { kinds: ['linear'], count: ({ rows }) => 4 * rows + 16 },
  ),
];

/** Products of int8 round their inputs, those of a merged weight do not. */
const rounded: BaseCase = {
  storage: int8,
  tolerances: { merge: { absolute: 0.05 } },
  skip: [{ law: differences, reason: 'products over int8 round their inputs, so that their values are steps' }],
};

export const bases: readonly BaseCase[] = [
  { storage: fp32 },
  { storage: bf16 },
  { storage: nf4 },
  { storage: fp4, tolerances: { gradient: 0.02 } }, // coarse weights curve more
  rounded,
];
