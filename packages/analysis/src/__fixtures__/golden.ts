/** What tools/parity/analysis.py wrote, and a model of one weight with a LoRAN adapter of those factors. */
import { readFileSync } from 'node:fs';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import { type AdapterMethod, AdapterSet, frozenTensor, Slot } from '@loran/adapter';
import { loran } from '@loran/loran';
import * as tf from '@tensorflow/tfjs-core';

export interface GoldenSpectrum {
  readonly norm: number;
  readonly singularValues: number[];
  readonly stableRank: number;
  readonly effectiveRank: number;
  /** Rank -> relative error of the best approximation. */
  readonly errorBeyond: Readonly<Record<string, number>>;
  /** Share of energy -> smallest rank that holds it. */
  readonly rankHolding: Readonly<Record<string, number>>;
}

type Shares = Readonly<Record<'F16' | 'BF16', number>>;

export interface GoldenCase extends GoldenSpectrum {
  readonly activation: string;
  readonly movement: number;
  readonly slope: { readonly mean: number; readonly largest: number };
  readonly differing: Readonly<Record<'update' | 'merged', Shares>>;
}

interface Golden {
  readonly size: number;
  readonly rank: number;
  readonly linear: GoldenSpectrum;
  readonly relativeNorm: number;
  readonly cases: GoldenCase[];
}

const file = (name: string) => readFileSync(new URL(name, import.meta.url));

export const golden = JSON.parse(file('spectra.json').toString()) as Golden;
const { size, rank } = golden;
const bytes = file('factors.f32');
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));

/** [rank, size] and [size, rank]. */
export const [A, B] = [values.subarray(0, rank * size), values.subarray(rank * size)];

const registry = createActivationRegistry(standardActivations);
export const resolve = (_: string, name: string) => registry.get(name);

/** A module 'dense' with the weight of the script, and an adapter on it: LoRAN by default, alpha = rank. */
export async function goldenModel(config: object, method: AdapterMethod = loran as AdapterMethod) {
  const weight = Float32Array.from(
    { length: size * size },
    (_, i) => (((Math.floor(i / size) * 7919 + (i % size) * 104729) % 2001) - 1000) * 5e-5,
  );
  const slot = new Slot('dense', frozenTensor(tf.tensor2d(weight, [size, size])));
  const set = new AdapterSet({ modules: () => new Map([['dense', slot]]) });
  const adapter = await set.add({ method, config: { rank, alpha: rank, ...config }, targetModules: ['dense'], resolve });
  const layer = adapter.layers.get('dense')!;
  layer.parameters.get('A')!.assign(tf.tensor2d(A, [rank, size]));
  layer.parameters.get('B')!.assign(tf.tensor2d(B, [size, rank]));
  return { set, slot, layer };
}
