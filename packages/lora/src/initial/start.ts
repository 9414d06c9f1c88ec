/**
 * Initial factors that are found before the layers are made, since they need the weights or the data. On linear modules; an
 * embedding starts as ever, as in PEFT.
 *
 * PiSSA and OLoRA begin with s·B₀A₀ ≠ 0 and train W as W − s·B₀A₀ + s·BA. The papers subtract from the frozen weight; here the
 * product of the first factors is subtracted beside it. That trains the same values with the same gradients, and leaves the
 * weight alone: the base model is there bit for bit when the adapter is switched off or scaled to 0, on any storage, beside
 * any other adapter. It costs a second product of rank r.
 */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Context, LayerRequest } from '@loran/adapter';
import type { LoraConfig } from '../lora-config.js';
import { moduleScaling, type ModuleScaling } from '../module-scaling.js';
import { eva } from './eva.js';
import { loftq } from './loftq.js';
import { olora } from './olora.js';
import { orthogonal } from './orthogonal.js';
import { pissa } from './pissa.js';

/** Made for one module; whoever asked disposes them. */
export interface Factors {
  readonly A: Tensor2D; // [rank, in]
  readonly B: Tensor2D; // [out, rank]
}

/** Whether the first product is subtracted, so that the update starts at 0. */
export const isSubtracted = (init: LoraConfig['init']): boolean => init === 'olora' || init.startsWith('pissa');

/** Puts the factors of each module into `shared`, and gives the configuration that they decide. */
export async function prepareStart(
  layers: readonly LayerRequest[],
  config: LoraConfig,
  context: Context,
): Promise<LoraConfig> {
  const { init } = config;
  const linear = layers.filter(({ frozen }) => frozen.kind === 'linear');
  if (init === 'eva') return context.initialise ? eva(linear, config, context) : config;
  const find = finder(config, context);
  if (find === undefined) return config;
  for (const request of linear) {
    const { A, B } = await find(request, moduleScaling(config, request.path));
    context.shared.set(keyOf(request.path, 'A'), A);
    context.shared.set(keyOf(request.path, 'B'), B);
  }
  return config;
}

type Find = (request: LayerRequest, scaling: ModuleScaling) => Promise<Factors>;

function finder({ init, loftqIterations }: LoraConfig, { initialise, random }: Context): Find | undefined {
  if (init === 'kaiming' || init === 'gaussian') return undefined;
  if (init === 'olora') return olora;
  if (init === 'loftq') return (request, scaling) => loftq(request, scaling, loftqIterations);
  if (init === 'orthogonal') {
    return initialise
      ? ({ path, frozen }, { rank }) => orthogonal(frozen, rank, random.derive(path).derive(init))
      : undefined;
  }
  const iterations = init === 'pissa' ? undefined : Number(init.slice('pissa_niter_'.length));
  return (request, scaling) => pissa(request, scaling, initialise ? { iterations } : { exact: true });
}

export const keyOf = (path: string, factor: 'A' | 'B'): string => `${path}.start.${factor}`;

/** The factors found for the module; none where it starts as ever, A alone where B starts at 0. */
export const startOf = ({ path, shared }: Context): Partial<Factors> =>
  Object.fromEntries(
    (['A', 'B'] as const).flatMap((factor) => {
      const found = shared.get(keyOf(path, factor)) as Tensor2D | undefined;
      return found === undefined ? [] : [[factor, found]];
    }),
  );

/** Frees the factors of a module that have been copied into its parameters. */
export function dropStart({ path, shared }: Context): void {
  for (const factor of ['A', 'B'] as const) {
    const key = keyOf(path, factor);
    tf.dispose(shared.get(key) ?? []);
    shared.delete(key);
  }
}
