/**
 * The adapters of one model: added, activated, removed, merged and counted by name. The model itself is changed in place,
 * slot by slot, as PEFT does; no method's name occurs here.
 */
import { LoranError, type Plugin, type PluginKind, UnknownPluginError } from '@loran/plugin';
import { randomStream } from '@loran/tensor';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { Adapter } from './adapter.js';
import { adapterStatus, type AdapterStatus } from './adapter-status.js';
import type { Adaptable } from './contract/adaptable.js';
import type { AdapterLayer, AdapterMethod, Context } from './contract/adapter-method.js';
import type { AdapterOptions } from './adapter-options.js';
import { parseConfig } from './config.js';
import { originalOf } from './original-weight.js';
import { mergeActive, type MergeOptions } from './merge.js';
import type { MergeReport } from './merge-report.js';
import { TargetModulesNotFoundError } from './errors/target-modules-not-found.js';
import { countParameters, type ParameterCount } from './parameter-count.js';
import { savedModule } from './saved-module.js';
import { refuseRemoval } from './removal.js';
import type { Slot } from './slot.js';
import { matchTargetModules, modulesSavedBy, refuseTiedTargets } from './target-modules.js';

export class AdapterSet {
  readonly model: Adaptable;
  readonly #adapters = new Map<string, Adapter>();

  constructor(model: Adaptable) {
    this.model = model;
  }

  /** Puts an adapter on every matching module and activates it beside those already active. */
  async add<Config>(options: AdapterOptions<Config>): Promise<Adapter> {
    const { method, targetModules, modulesToSave = [], name = 'default', seed = 0, resolve = unknownPlugin } = options;
    const { selection = {}, ensureWeightTying = false } = options;
    this.refuseUnlessFree(name);
    const config = parseConfig(method, options.config ?? {});
    const modules = this.model.modules();
    const saved = modulesSavedBy(this.model, modulesToSave, ensureWeightTying);
    const paths = matchTargetModules(this.model, targetModules, [...saved.keys()], selection);
    if (ensureWeightTying) refuseTiedTargets(this.model, paths);
    if (paths.length + saved.size === 0) throw new TargetModulesNotFoundError([], [...modules.keys()]);

    const shared = new Map(options.shared);
    const random = randomStream(seed);
    const context = (path: string): Context => ({ path, random: random.derive(path), resolve, shared });
    const made = { layers: new Map<string, AdapterLayer>(), savedModules: new Map<string, AdapterLayer>() };
    const adapter: Adapter = {
      name,
      method: method as AdapterMethod,
      config,
      targetModules,
      selection,
      modulesToSave,
      ensureWeightTying,
      fingerprint: this.model.fingerprint,
      warnings: [],
      shared,
      conv1d: this.#areConv1d(paths),
      scale: 1,
      ...made,
    };
    const put = (to: Map<string, AdapterLayer>, path: string, layer: AdapterLayer) => {
      to.set(path, layer);
      this.#slot(path).attach(name, layer, () => adapter.scale);
    };
    try {
      await method.prepare?.(
        paths.map((path) => ({
          path,
          frozen: this.#slot(path).frozen,
          replace: (frozen) => this.#slot(path).replace(name, frozen),
          ...originalOf(this.model, path, this.#slot(path).frozen),
        })),
        config,
        context(''),
      );
      for (const path of paths) put(made.layers, path, method.create(this.#slot(path).frozen, config, context(path)));
      for (const [path, embedding] of saved) {
        const tiedTo = embedding === undefined ? undefined : made.savedModules.get(embedding);
        const layer = savedModule(this.#slot(path).frozen, { conv1d: this.model.conv1d?.has(path), tiedTo });
        put(made.savedModules, path, layer);
      }
    } catch (error) {
      for (const slot of modules.values()) slot.detach(name); // nothing half-made stays behind
      disposeAll(adapter);
      throw error;
    }
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
    disposeAll(adapter);
    this.#adapters.delete(name);
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

  #slot(path: string): Slot {
    const slot = this.model.modules().get(path);
    if (slot === undefined) throw new LoranError('UNKNOWN_MODULE', `The model has no module '${path}'.`);
    return slot;
  }

  #areConv1d(paths: readonly string[]): boolean {
    const linear = paths.filter((path) => this.#slot(path).frozen.kind === 'linear');
    return linear.length > 0 && linear.every((path) => this.model.conv1d?.has(path) === true);
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

function disposeAll({ layers, savedModules, shared }: Adapter): void {
  for (const layer of [...layers.values(), ...savedModules.values()]) layer.dispose();
  for (const tensor of shared.values()) tensor.dispose();
}

function unknownPlugin(kind: PluginKind, name: string): Plugin {
  throw new UnknownPluginError(kind, name, []);
}
