/** Loads a model's modules one after another, each streamed from the file into its storage. */
import * as tf from '@tensorflow/tfjs-core';
import { type BaseStorage, fp32, Slot } from '@loran/adapter';
import type { TensorFile } from '@loran/formats';
import { LayerNorm } from '../layers/layer-norm.js';
import type { ModuleSpec } from './module-spec.js';

export interface LoadedModules {
  readonly slots: Map<string, Slot>;
  readonly layerNorms: Map<string, LayerNorm>;
}

/** Which storage a linear layer gets, by its path; heads and embeddings are fp32 and not asked about. */
export type BaseOf = (path: string) => BaseStorage;

export async function loadModules(
  file: TensorFile,
  specs: readonly ModuleSpec[],
  stored: ReadonlyMap<string, string>,
  baseOf: BaseOf,
  layerNormEpsilon: number,
): Promise<LoadedModules> {
  const slots = new Map<string, Slot>();
  const layerNorms = new Map<string, LayerNorm>();
  const storedName = (name: string): string => stored.get(name) ?? name;
  const whole = async (name: string): Promise<Float32Array> => {
    const runs: Float32Array[] = [];
    for await (const run of file.values(storedName(name))) runs.push(run);
    return joined(runs);
  };
  try {
    for (const spec of specs) {
      const { path } = spec;
      if (spec.kind === 'layer-norm') {
        const gamma = tf.tensor1d(await whole(`${path}.weight`));
        const beta = tf.tensor1d(await whole(`${path}.bias`));
        layerNorms.set(path, new LayerNorm(gamma, beta, layerNormEpsilon));
        continue;
      }
      const { kind, rows, columns } = spec;
      const storage = kind === 'embedding' || spec.fp32 === true ? fp32 : baseOf(path);
      const frozen = await storage.store({
        kind,
        path,
        rows,
        columns,
        values: () => file.values(storedName(`${path}.weight`)),
        bias: kind === 'linear' ? await whole(`${path}.bias`) : null,
      });
      slots.set(path, new Slot(path, frozen));
    }
  } catch (error) {
    disposeModules({ slots, layerNorms });
    throw error;
  }
  return { slots, layerNorms };
}

export function disposeModules({ slots, layerNorms }: LoadedModules): void {
  for (const module of [...slots.values(), ...layerNorms.values()]) module.dispose();
}

function joined(runs: readonly Float32Array[]): Float32Array {
  const values = new Float32Array(runs.reduce((sum, run) => sum + run.length, 0));
  let filled = 0;
  for (const run of runs) {
    values.set(run, filled);
    filled += run.length;
  }
  return values;
}
