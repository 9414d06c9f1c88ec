/**
 * What an adapter does to each weight that it is on: how large the update is, how many directions it has, what its nonlinearity
 * changes. Nothing here knows a method: the update is `delta()`, the nonlinearity what a layer says of it (`nonlinear()`).
 */
import type { Adapter, AdapterLayer, AdapterSet, Slot } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import * as tf from '@tensorflow/tfjs-core';
import { type AnalysisWarning, analysisWarnings } from './analysis-warnings.js';
import { frobeniusNorm, norm } from './frobenius-norm.js';
import { type NonlinearityAnalysis, nonlinearityOf } from './nonlinearity.js';
import { type Spectrum, type SpectrumOptions, spectrumOf } from './spectrum.js';
import { updateOf } from './update-of.js';

export interface AnalyseOptions extends SpectrumOptions {
  /** The rank to look beyond; default that of a layer's factors, else of the adapter's configuration, else 8. */
  readonly rank?: number;
  /** Called after each layer. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface LayerAnalysis {
  /** Of the module in the model. */
  readonly path: string;
  readonly shape: readonly [rows: number, columns: number];
  /** Whether every element of the update is finite; where not, all else is null. */
  readonly finite: boolean;
  /** ΔW, at scale 1. */
  readonly update: Spectrum | null;
  /** ‖ΔW‖ / ‖W‖; null where W is 0. */
  readonly relativeNorm: number | null;
  /** null where the update has no nonlinearity. */
  readonly nonlinearity: NonlinearityAnalysis | null;
}

export interface AdapterAnalysis {
  readonly adapter: string;
  readonly method: string;
  readonly layers: readonly LayerAnalysis[];
  /** Modules that the adapter trains whole, which are not analysed. */
  readonly trainedWhole: readonly string[];
  readonly warnings: readonly AnalysisWarning[];
}

/**
 * Analyses the adapter of that name. Everything is plain data: JSON.stringify gives it in full.
 *
 * Throws UNKNOWN_ADAPTER, INVALID_RANK.
 */
export async function analyseAdapter(
  set: AdapterSet,
  name: string,
  { rank, onProgress, ...options }: AnalyseOptions = {},
): Promise<AdapterAnalysis> {
  const adapter = set.get(name);
  checkCount('rank', rank);
  checkCount('values', options.values);
  const slots = set.model.modules();
  const layers: LayerAnalysis[] = [];
  for (const [path, layer] of adapter.layers) {
    layers.push(await analyseLayer(slots.get(path)!, layer, rank ?? rankOf(adapter, layer), options));
    onProgress?.(layers.length, adapter.layers.size);
  }
  return {
    adapter: name,
    method: adapter.method.name,
    layers,
    trainedWhole: [...adapter.savedModules.keys()],
    warnings: analysisWarnings(layers),
  };
}

async function analyseLayer(
  slot: Slot,
  layer: AdapterLayer,
  wanted: number,
  options: SpectrumOptions,
): Promise<LayerAnalysis> {
  const { rows, columns } = slot.original;
  const rank = Math.min(wanted, rows, columns);
  const update = updateOf(slot, layer);
  const weight = slot.original.weight();
  const facts = { path: slot.path, shape: [rows, columns] as const };
  try {
    const values = await update.data<'float32'>();
    if (!values.every(Number.isFinite)) {
      return { ...facts, finite: false, update: null, relativeNorm: null, nonlinearity: null };
    }
    const base = await frobeniusNorm(weight);
    return {
      ...facts,
      finite: true,
      update: await spectrumOf(update, rank, options),
      relativeNorm: base > 0 ? norm(values) / base : null,
      nonlinearity: (await nonlinearityOf(slot, layer, rank, options)) ?? null,
    };
  } finally {
    tf.dispose([update, weight]);
  }
}

/** Configurations are their methods' own, but a rank is called so in all that have one. */
function rankOf({ config }: Adapter, layer: AdapterLayer): number {
  const factors = layer.factored?.();
  factors?.release?.();
  const rank = factors?.A.shape[0] ?? (config as { readonly rank?: unknown } | undefined)?.rank;
  return typeof rank === 'number' && Number.isInteger(rank) && rank > 0 ? rank : 8;
}

function checkCount(option: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value > 0)) return;
  throw new LoranError('INVALID_RANK', `${option} is ${value}; it must be a whole number from 1 up.`);
}
