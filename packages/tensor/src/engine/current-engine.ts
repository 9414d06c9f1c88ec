/**
 * The engine of this process, and the three operations that it answers for.
 *
 * tfjs's backend is global, so the engine is too: `openEngine` replaces it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { registerGradients } from '../gradients.js';
import type { Engine, EngineOptions, OpaqueType, Recorded } from './engine.js';
import { portableEngine } from './portable-engine.js';

let current: Engine | undefined;

/** Opens an engine, makes it the process's own and registers the gradients. The one before is closed first. */
export async function openEngine<E extends Engine>(engine: E, options: EngineOptions = {}): Promise<E> {
  if (current !== undefined && current !== engine) await current.close();
  current = undefined;
  registerGradients();
  await engine.open(options);
  current = engine;
  return engine;
}

/** Closes the process's engine, if one was opened. */
export async function closeEngine(): Promise<void> {
  const engine = current;
  current = undefined;
  await engine?.close();
}

/** The engine that was opened; where none was, the current tfjs backend taken as it is. */
export function currentEngine(): Engine {
  return current ?? portableEngine(tf.getBackend());
}

/** Codes in their stored width; see `Engine.opaque`. */
export function opaque(bytes: Uint8Array, type: OpaqueType, shape: readonly number[]): Tensor {
  return currentEngine().opaque(bytes, type, shape);
}

/**
 * Calls `run`, and remembers its operations where the engine can: a step that comes over and over is then repeated for other
 * inputs without the time that it takes to build. `run` must compute its outputs from `inputs` and from tensors that stay as they
 * are, always by the same operations, and read nothing.
 */
export function record<T extends Tensor>(inputs: readonly Tensor[], run: () => readonly T[]): Recorded<T> {
  const engine = currentEngine();
  return engine.record?.(inputs, run) ?? { outputs: run() };
}

/** `tensor`, not computed before `dependency` is; see `Engine.after`. Its gradient is that of the identity. */
export function after<T extends Tensor>(tensor: T, dependency: Tensor): T {
  const tied = tf.customGrad((x: Tensor | tf.GradSaveFunc) => ({
    value: currentEngine().after(x as Tensor, dependency),
    gradFunc: (dy: Tensor) => tf.clone(dy),
  }));
  return tied(tensor) as T;
}
