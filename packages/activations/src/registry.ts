import { Registry } from '@loran/plugin';
import type { Activation } from './define-activation.js';

/**
 * Activations by name. A registry of your own each time, empty unless told otherwise:
 * `createActivationRegistry(standardActivations).add(snake)`.
 */
export function createActivationRegistry(activations: Iterable<Activation> = []): Registry<Activation> {
  return new Registry<Activation>('activation', activations);
}
