/** The state of an optimiser: for each parameter some variables of its shape, zero at the start. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { variable } from '@loran/tensor';

/** One parameter with its moments, in the order of the slots. */
export interface Tracked {
  readonly name: string;
  readonly parameter: Variable;
  readonly moments: readonly Variable[];
}

export class Moments {
  readonly #slots: readonly string[];
  #tracked: readonly Tracked[] | undefined;

  constructor(slots: readonly string[]) {
    this.#slots = slots;
  }

  start(parameters: ReadonlyMap<string, Variable>): void {
    if (this.#tracked !== undefined) {
      throw new LoranError(
        'OPTIMIZER_IN_USE',
        'This optimizer already trains other parameters. Make one for each training, or dispose it in between.',
      );
    }
    this.#tracked = [...parameters].map(([name, parameter]) => ({
      name,
      parameter,
      moments: this.#slots.map(() => variable(tf.zeros(parameter.shape))),
    }));
  }

  /** Each parameter with its moments and its gradient. Throws OPTIMIZER_NOT_STARTED and GRADIENT_MISSING. */
  with(gradients: ReadonlyMap<string, Tensor>): (Tracked & { readonly gradient: Tensor })[] {
    if (this.#tracked === undefined) {
      throw new LoranError('OPTIMIZER_NOT_STARTED', 'Call start(parameters) before the first step of an optimizer.');
    }
    return this.#tracked.map((tracked) => {
      const gradient = gradients.get(tracked.name);
      if (gradient !== undefined) return { ...tracked, gradient };
      throw new LoranError(
        'GRADIENT_MISSING',
        `The optimizer got no gradient for '${tracked.name}'; it got ${[...gradients.keys()].join(', ') || 'none'}.`,
      );
    });
  }

  state(): ReadonlyMap<string, Variable> {
    return new Map(
      (this.#tracked ?? []).flatMap(({ name, moments }) =>
        moments.map((moment, i) => [`${name}.${this.#slots[i]!}`, moment] as const),
      ),
    );
  }

  dispose(): void {
    for (const { moments } of this.#tracked ?? []) tf.dispose([...moments]);
    this.#tracked = undefined;
  }
}
