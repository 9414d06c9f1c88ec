/** How much of a model an adapter trains, counted and printed as PEFT does. */
import type { Adaptable } from './contract/adaptable.js';
import type { Adapter } from './adapter.js';
import { adapterParameters } from './adapter.js';

export interface ParameterCount {
  /** Parameters of the given adapters. */
  readonly trainable: number;
  /** Those, and every frozen parameter of the model, in elements whatever their storage. */
  readonly all: number;
}

export function countParameters(model: Adaptable, adapters: Iterable<Adapter>): ParameterCount {
  let trainable = 0;
  for (const adapter of adapters) {
    for (const parameter of adapterParameters(adapter).values()) trainable += parameter.size;
  }
  let frozen = model.otherParameters ?? 0;
  for (const { frozen: weight } of model.modules().values()) {
    if (weight.byteLength === 0) continue; // a tied head: another module's values
    frozen += weight.rows * weight.columns + (weight.bias?.size ?? 0);
  }
  return { trainable, all: frozen + trainable };
}

/** 'trainable params: 1,064,454 || all params: 56,467,974 || trainable%: 1.8851' */
export function formatParameterCount({ trainable, all }: ParameterCount): string {
  const grouped = (n: number) => n.toLocaleString('en-US');
  return `trainable params: ${grouped(trainable)} || all params: ${grouped(all)} || trainable%: ${((100 * trainable) / all).toFixed(4)}`;
}
