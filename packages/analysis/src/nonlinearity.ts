/**
 * What the nonlinearity inside an update does: how far it moves the update, how far its slope is from the identity's, and whether
 * that is left when numbers are rounded.
 *
 *   movement   ‖ΔW − ΔW₀‖ / ‖ΔW₀‖          ΔW₀: the update with the identity in place of f; for LoRAN ‖f(BA) − BA‖ / ‖BA‖
 *   slope      mean and largest |f′(z) − 1| over z, for LoRAN over B·A: what training feels of f
 *   differing  share of elements that are other numbers with f than without, once rounded to a type: of ΔW itself, as arithmetic in
 *              that type has it, and of W + ΔW, as a merged checkpoint holds it
 */
import type { AdapterLayer, Slot } from '@loran/adapter';
import { fromFloat32, toFloat32 } from '@loran/formats';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { norm } from './frobenius-norm.js';
import { type Spectrum, type SpectrumOptions, spectrumOf } from './spectrum.js';

/** Types that weights and updates are kept in. */
export const roundedTypes = ['F32', 'F16', 'BF16'] as const;
export type RoundedType = (typeof roundedTypes)[number];

export interface NonlinearityAnalysis {
  /** null where ΔW₀ is 0. */
  readonly movement: number | null;
  readonly slope: { readonly mean: number; readonly largest: number };
  readonly differing: {
    readonly update: Readonly<Record<RoundedType, number>>;
    readonly merged: Readonly<Record<RoundedType, number>>;
  };
  /** Of the update with the identity in place of f. */
  readonly linear: Spectrum;
}

/** `undefined` of a layer without a nonlinearity, and where it is not finite. */
export async function nonlinearityOf(
  slot: Slot,
  layer: AdapterLayer,
  rank: number,
  options: SpectrumOptions,
): Promise<NonlinearityAnalysis | undefined> {
  const parts = layer.nonlinear?.();
  const { weight: update } = parts === undefined ? {} : layer.delta();
  if (parts === undefined || update === undefined) return undefined;
  const { product, slope, linear } = parts;
  const weight = slot.frozen.weight();
  try {
    const values = await Promise.all([update, linear, slope, weight].map((tensor) => tensor.data<'float32'>()));
    const [withF, without, slopes, frozen] = values as [Float32Array, Float32Array, Float32Array, Float32Array];
    if (![withF, without, slopes].every((each) => Number.isFinite(norm(each)))) return undefined;
    return {
      movement: relativeDistance(withF, without),
      slope: distanceFromOne(slopes),
      differing: {
        update: inEachType((type) => shareDiffering(withF, without, type)),
        merged: inEachType((type) => shareDiffering(plus(frozen, withF), plus(frozen, without), type)),
      },
      linear: await spectrumOf(linear as Tensor2D, rank, options),
    };
  } finally {
    tf.dispose([product, slope, linear, update, weight]);
  }
}

function relativeDistance(a: Float32Array, b: Float32Array): number | null {
  const length = norm(b);
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return length === 0 ? null : Math.sqrt(squares) / length;
}

function distanceFromOne(slopes: Float32Array): NonlinearityAnalysis['slope'] {
  let [sum, largest] = [0, 0];
  for (const slope of slopes) {
    const distance = Math.abs(slope - 1);
    sum += distance;
    largest = Math.max(largest, distance);
  }
  return { mean: sum / slopes.length, largest };
}

const plus = (a: Float32Array, b: Float32Array): Float32Array => a.map((value, i) => value + b[i]!);

function inEachType(share: (type: RoundedType) => number): Record<RoundedType, number> {
  return Object.fromEntries(roundedTypes.map((type) => [type, share(type)])) as Record<RoundedType, number>;
}

function shareDiffering(a: Float32Array, b: Float32Array, type: RoundedType): number {
  const [roundedA, roundedB] = [rounded(a, type), rounded(b, type)];
  let count = 0;
  for (let i = 0; i < a.length; i++) if (roundedA[i] !== roundedB[i]) count++;
  return count / a.length;
}

const rounded = (values: Float32Array, type: RoundedType): Float32Array =>
  type === 'F32' ? values : toFloat32(fromFloat32(values, type), type);
