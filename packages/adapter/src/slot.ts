/**
 * One place in a model for a frozen weight and any number of named adapters.
 *
 * Without active adapters `apply` is the plain layer. With them the layers form a chain that ends at the storage: the base
 * product is computed once, and what changes the weight is summed before it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { dropout } from '@loran/tensor';
import type { AdapterLayer, Call, Next } from './contract/adapter-method.js';
import type { FrozenWeight } from './contract/frozen-weight.js';
import { inference, type Pass } from './pass.js';
import { sumOf } from './recomputed.js';

interface Attached {
  readonly layer: AdapterLayer;
  readonly scale: () => Call['scale'];
  active: boolean;
}

export class Slot {
  readonly path: string;
  readonly #adapters = new Map<string, Attached>();
  readonly #original: FrozenWeight;
  #replacement: { readonly by: string; readonly frozen: FrozenWeight } | undefined;
  #merged: FrozenWeight | undefined;
  #see: ((x: Tensor) => void) | undefined;

  constructor(path: string, frozen: FrozenWeight) {
    this.path = path;
    this.#original = frozen;
  }

  /** The frozen weight that adapters build on: the original, or what an active adapter has in its place. */
  get frozen(): FrozenWeight {
    const replacement = this.#replacement;
    return replacement === undefined || this.#adapters.get(replacement.by)?.active === false
      ? this.#original
      : replacement.frozen;
  }

  /** Name of the adapter that replaced the frozen weight; see `replace`. */
  get replacedBy(): string | undefined {
    return this.#replacement?.by;
  }

  /** Names of all its adapters, in the order they were attached. */
  names(): readonly string[] {
    return [...this.#adapters.keys()];
  }

  /** The model's own weight, which an adapter may have replaced; see LayerRequest.replace. */
  get original(): FrozenWeight {
    return this.#original;
  }

  get merged(): boolean {
    return this.#merged !== undefined;
  }

  /** What it computes with while adapters are merged. */
  get mergedWeight(): FrozenWeight | undefined {
    return this.#merged;
  }

  /** Bytes of every frozen weight kept here: the original, a replacement, a merged copy. */
  get byteLength(): number {
    return this.#weights().reduce((sum, weight) => sum + weight.byteLength, 0);
  }

  /** The layer's output. x: linear [..., in], embedding ids [...]; result [..., out] or [..., width]. */
  apply(x: Tensor, pass: Pass = inference): Tensor {
    this.#see?.(x);
    if (this.#merged !== undefined) return this.#merged.apply(x);
    if (pass.rows !== undefined) return this.#applyByRow(x, pass, pass.rows);
    const active = [...this.#adapters].filter(([, attached]) => attached.active);
    active.sort(([, a], [, b]) => outerFirst(a.layer) - outerFirst(b.layer)); // stable: otherwise as they were attached
    if (active.length === 0) return this.frozen.apply(x);
    const { base, last } = chainEnd(this.frozen, x);
    const chain = active.reduceRight<Next>(
      (next, [name, { layer, scale }]) =>
        (input, above) =>
          layer.forward(input, (x, own) => next(x, sum(above, own)), this.#call(name, scale(), pass, base)),
      last,
    );
    return tf.tidy(() => chain(x));
  }

  /** Each row by its own adapter. The base product is computed once, unless an adapter changes the weight. */
  #applyByRow(x: Tensor, pass: Pass, rows: NonNullable<Pass['rows']>): Tensor {
    return tf.tidy(() => {
      const original = chainEnd(this.#original, x);
      let y = original.base(x);
      for (const [name, { layer, scale }] of this.#adapters) {
        const chosen = rows.get(name);
        if (chosen === undefined) continue;
        const { base, last } = this.#replacement?.by === name ? chainEnd(this.#replacement.frozen, x) : original;
        const own = layer.forward(x, last, this.#call(name, scale(), pass, base));
        y = tf.where(spread(chosen, y), own, y);
      }
      return y;
    });
  }

  #call(name: string, scale: Call['scale'], { training, random }: Pass, base: Call['base']): Call {
    const drop: Call['drop'] = (x, rate) =>
      training && rate > 0 ? dropout(x, rate, random.derive(this.path).derive(name).key) : x;
    return { training, scale, drop, base };
  }

  /** Shows each input to `see`; undefined ends that. See LayerRequest.watch. */
  watch(see: ((x: Tensor) => void) | undefined): void {
    this.#see = see;
  }

  /** Puts an adapter's layer in the chain, active. Used by AdapterSet. */
  attach(name: string, layer: AdapterLayer, scale: () => Call['scale'] = () => 1): void {
    if (this.#adapters.has(name)) {
      throw new LoranError(
        'ADAPTER_EXISTS',
        `'${this.path}' already has an adapter called '${name}'. Choose another name or remove it first.`,
      );
    }
    this.#adapters.set(name, { layer, scale, active: true });
  }

  /** Takes an adapter's layer out, without disposing it; puts the original weight back if that adapter had replaced it. */
  detach(name: string): void {
    this.#adapters.delete(name);
    if (this.#replacement?.by === name) {
      this.#replacement.frozen.dispose();
      this.#replacement = undefined;
    }
  }

  activate(names: ReadonlySet<string>): void {
    for (const [name, attached] of this.#adapters) attached.active = names.has(name);
  }

  /** The active layers, in the order they were attached. */
  active(): ReadonlyMap<string, AdapterLayer> {
    return new Map([...this.#adapters].filter(([, { active }]) => active).map(([name, { layer }]) => [name, layer]));
  }

  /** Another frozen weight while the adapter `by` is active; see LayerRequest.replace. */
  replace(by: string, frozen: FrozenWeight): void {
    if (this.#replacement !== undefined || this.#adapters.size > 0) {
      throw new LoranError(
        'BASE_IN_USE',
        `The adapter '${by}' changes the frozen weight of '${this.path}', on which ${this.#replacement?.by ?? [...this.#adapters.keys()].join(', ')} already builds. Remove the others first.`,
      );
    }
    this.#replacement = { by, frozen };
  }

  /** Computes with `weight` alone until `unmerge`; the weight before it is kept as it is. */
  merge(weight: FrozenWeight): void {
    if (this.#merged !== undefined) {
      throw new LoranError(
        'ALREADY_MERGED',
        `Adapters are already merged into '${this.path}'. Call unmerge() before merging again.`,
      );
    }
    this.#merged = weight;
  }

  /** Back to the weight before `merge`, bit for bit. */
  unmerge(): void {
    this.#merged?.dispose();
    this.#merged = undefined;
  }

  /** Disposes the frozen weights; the adapters belong to whoever made them. */
  dispose(): void {
    for (const weight of this.#weights()) weight.dispose();
  }

  #weights(): FrozenWeight[] {
    return [this.#original, this.#replacement?.frozen, this.#merged].filter((weight) => weight !== undefined);
  }
}

/** The end of the chain, which computes the plain product of the chain's own x once. */
function chainEnd(frozen: FrozenWeight, x: Tensor): { readonly base: Call['base']; readonly last: Next } {
  let own: Tensor | undefined;
  const base: Call['base'] = (input) => {
    if (input !== x) return frozen.apply(input);
    if (own === undefined || own.isDisposed) own = frozen.apply(x); // a layer may have asked inside a tidy of its own
    return own;
  };
  return { base, last: (input, delta) => (delta === undefined ? base(input) : frozen.apply(input, delta)) };
}

/** What multiplies stands outside of what adds; see AdapterLayer.rescaling. */
const outerFirst = (layer: AdapterLayer): number => (layer.rescaling === undefined ? 1 : 0);

/** A choice of batch rows for y [..., features], whose leading axes are the batch, or the batch and time flattened. */
function spread(chosen: Tensor1D, y: Tensor): Tensor {
  const leading = y.shape.slice(0, -1);
  const times = tf.util.sizeFromShape(leading) / chosen.size;
  const column = tf.reshape(chosen, [chosen.size, 1]);
  const each = times === 1 ? column : tf.tile(column, [1, times]);
  return tf.broadcastTo(tf.reshape(each, [...leading, 1]), y.shape);
}

function sum(a: Tensor2D | undefined, b: Tensor2D | undefined): Tensor2D | undefined {
  return a === undefined ? b : b === undefined ? a : sumOf(a, b);
}
