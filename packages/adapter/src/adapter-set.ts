/**
 * The adapters of one model: added, activated, removed, merged and counted by name. The model itself is changed in place,
 * slot by slot, as PEFT does; no method's name occurs here.
 */
import { LoranError } from '@loran/plugin';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { Adapter } from './adapter.js';
import { adapterStatus, type AdapterStatus } from './adapter-status.js';
import type { Adaptable } from './contract/adaptable.js';
import type { AdapterOptions } from './adapter-options.js';
import { mergeActive, type MergeOptions } from './merge.js';
import type { MergeReport } from './merge-report.js';
import { disposeLayers, newAdapter } from './new-adapter.js';
import { countParameters, type ParameterCount } from './parameter-count.js';
import { refuseRemoval } from './removal.js';
import { swapValues } from './swap-adapter.js';

export class AdapterSet {
  readonly model: Adaptable;
  readonly #adapters = new Map<string, Adapter>();

  constructor(model: Adaptable) {
    this.model = model;
  }

  /** Puts an adapter on every matching module and activates it beside those already active. */
  async add<Config>(options: AdapterOptions<Config>): Promise<Adapter> {
    const { name = 'default' } = options;
    this.refuseUnlessFree(name);
    const adapter = await newAdapter(this.model, options);
    this.#adapters.set(name, adapter);
    return adapter;
  }

  /** The adapter of that name; throws UNKNOWN_ADAPTER, which lists those there are. */
  get(name: string): Adapter {
    const adapter = this.#adapters.get(name);
    if (adapter === undefined) {
      throw new LoranError(
        'UNKNOWN_ADAPTER',
        `The model has no adapter called '${name}'. It has: ${this.names().join(', ') || 'none'}.`,
      );
    }
    return adapter;
  }

  names(): readonly string[] {
    return [...this.#adapters.keys()];
  }

  /** Computes with exactly these adapters, their updates summed; none: all are switched off, the base model. */
  activate(...names: readonly string[]): void {
    for (const name of names) this.get(name);
    this.#refuseWhenMerged('change the active adapters');
    const wanted = new Set(names);
    for (const slot of this.model.modules().values()) slot.activate(wanted);
  }

  /**
   * One adapter for each row of a batch, null for the base model: a pass with these rows computes so, whichever adapters are
   * active. The caller disposes the tensors. Throws UNKNOWN_ADAPTER.
   */
  rows(names: readonly (string | null)[]): ReadonlyMap<string, Tensor1D> {
    this.#refuseWhenMerged('choose adapters by row');
    const used = new Set(names.filter((name) => name !== null));
    return new Map(
      [...used].map((name) => {
        this.get(name);
        return [
          name,
          tf.tensor1d(
            names.map((own) => own === name),
            'bool',
          ),
        ];
      }),
    );
  }

  /**
   * Takes an adapter off the model and frees its parameters. One that is active beside other adapters of the model only with
   * `force`, since the model would go on with whatever is left.
   *
   * Throws UNKNOWN_ADAPTER, ALREADY_MERGED, ADAPTER_ACTIVE, BASE_IN_USE (others build on the weights that it replaced).
   */
  remove(name: string, { force = false }: { readonly force?: boolean } = {}): void {
    const adapter = this.get(name);
    this.#refuseWhenMerged(`remove '${name}'`);
    refuseRemoval(this.model, adapter, this.names(), force);
    for (const slot of this.model.modules().values()) slot.detach(name);
    disposeLayers(adapter);
    this.#adapters.delete(name);
  }

  /**
   * Replaces the values of an adapter by those of `from`, an adapter of this model or another, in place: nothing is compiled anew.
   * For products of two factors rank and scaling of `from` may differ, as long as the rank is no larger; otherwise the
   * configuration must be the same. Name, scale, configuration and what is active stay. See also swapAdapter, for folders.
   *
   * Throws UNKNOWN_ADAPTER, ALREADY_MERGED, NOT_SWAPPABLE (another method, other modules, another configuration), RANK_MISMATCH,
   * SHAPE_MISMATCH; the model is then as it was.
   */
  async swap(name: string, from: Adapter): Promise<Adapter> {
    const adapter = this.get(name);
    await swapValues(this.model, adapter, from);
    return adapter;
  }

  /** Takes every adapter off, merged or not: the model is as it was before the first. */
  clear(): void {
    this.unmerge();
    for (const name of this.names().toReversed()) this.remove(name, { force: true }); // last in, first out: see BASE_IN_USE
  }

  /**
   * Adds the active adapters' updates to the weights, of all modules or of none. Returns what rounding cost each. Throws
   * ALREADY_MERGED, NON_FINITE, INVALID_CONFIG.
   */
  async merge(options: MergeOptions = {}): Promise<MergeReport> {
    this.#refuseWhenMerged('merge');
    return mergeActive(this.model.modules(), (name) => this.get(name).scale, options);
  }

  /** Takes a merge back, bit for bit. */
  unmerge(): void {
    for (const slot of this.model.modules().values()) slot.unmerge();
  }

  /** What each adapter is and does now, in the order they were added; see formatAdapterStatus. */
  status(): readonly AdapterStatus[] {
    return [...this.#adapters.values()].map((adapter) => adapterStatus(this.model, adapter));
  }

  /** Trainable and all parameters, over every adapter of the set. */
  count(): ParameterCount {
    return countParameters(this.model, this.#adapters.values());
  }

  /** Throws ADAPTER_EXISTS or ALREADY_MERGED where no adapter of that name can be added. */
  refuseUnlessFree(name: string): void {
    if (this.#adapters.has(name)) {
      throw new LoranError(
        'ADAPTER_EXISTS',
        `The model already has an adapter called '${name}'. Choose another name or remove it first.`,
      );
    }
    this.#refuseWhenMerged('add an adapter');
  }

  #refuseWhenMerged(what: string): void {
    const slots = [...this.model.modules().values()].filter((slot) => slot.merged);
    if (slots.length === 0) return;
    const merged = new Set(slots.flatMap((slot) => [...slot.active().keys()]));
    throw new LoranError(
      'ALREADY_MERGED',
      `Cannot ${what} while adapters are merged (${[...merged].join(', ')}). Call unmerge() first.`,
    );
  }
}
