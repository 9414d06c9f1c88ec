/**
 * How an adapter comes onto a model: its modules are chosen, the method prepares, then makes a layer for each of them. When any of
 * it fails, the model is as it was.
 */
import { LoranError, type Plugin, type PluginKind, UnknownPluginError } from '@loran/plugin';
import { randomStream } from '@loran/tensor';
import type { Adapter } from './adapter.js';
import type { AdapterOptions } from './adapter-options.js';
import { parseConfig } from './config.js';
import type { Adaptable } from './contract/adaptable.js';
import type { AdapterLayer, AdapterMethod, Context } from './contract/adapter-method.js';
import { TargetModulesNotFoundError } from './errors/target-modules-not-found.js';
import { originalOf } from './original-weight.js';
import { rememberPlugins } from './plugins-used.js';
import { savedModule } from './saved-module.js';
import type { Slot } from './slot.js';
import { matchTargetModules, modulesSavedBy, namesFor, refuseTiedTargets } from './target-modules.js';

/** The adapter that the options ask for, its layers active in the model's slots. */
export async function newAdapter<Config>(model: Adaptable, options: AdapterOptions<Config>): Promise<Adapter> {
  const { method, modulesToSave = [], name = 'default', seed = 0, resolve = unknownPlugin } = options;
  const { selection = {}, ensureWeightTying = false, initialise = true, calibrate } = options;
  const parsed = parseConfig(method, options.config ?? {});
  const modules = model.modules();
  const saved = modulesSavedBy(model, modulesToSave, ensureWeightTying);
  const matched = matchTargetModules(model, options.targetModules, [...saved.keys()], selection);
  if (ensureWeightTying) refuseTiedTargets(model, matched);
  if (matched.length + saved.size === 0) throw new TargetModulesNotFoundError([], [...modules.keys()]);

  const [layers, savedModules] = [new Map<string, AdapterLayer>(), new Map<string, AdapterLayer>()];
  const shared = new Map(options.shared);
  const random = randomStream(seed);
  const used = rememberPlugins(parsed, resolve);
  const context = (path: string): Context => ({
    path,
    random: random.derive(path),
    resolve: used.resolve,
    shared,
    initialise,
    ...(calibrate === undefined ? {} : { calibrate }),
  });
  try {
    const { config, paths } = await prepared(model, method, parsed, { name, matched, context: context('') });
    const changed = paths.length < matched.length;
    const adapter: Omit<Adapter, 'plugins'> = {
      name,
      method: method as AdapterMethod,
      config,
      targetModules: changed ? namesFor(model, paths) : options.targetModules,
      selection: changed ? {} : selection,
      modulesToSave,
      ensureWeightTying,
      fingerprint: model.fingerprint,
      warnings: [],
      shared,
      conv1d: areConv1d(model, paths),
      scale: 1,
      layers,
      savedModules,
    };
    const put = (to: Map<string, AdapterLayer>, path: string, layer: AdapterLayer) => {
      to.set(path, layer);
      slotAt(model, path).attach(name, layer, () => adapter.scale);
    };
    for (const path of paths) put(layers, path, method.create(slotAt(model, path).frozen, config, context(path)));
    for (const [path, embedding] of saved) {
      const tiedTo = embedding === undefined ? undefined : savedModules.get(embedding);
      const layer = savedModule(slotAt(model, path).frozen, { conv1d: model.conv1d?.has(path), tiedTo });
      put(savedModules, path, layer);
    }
    const taken = new Map([...layers, ...savedModules]);
    for (const [path, layer] of method.companions?.(model, config, taken, context) ?? []) put(layers, path, layer);
    return Object.assign(adapter, { plugins: used.list() });
  } catch (error) {
    for (const slot of modules.values()) slot.detach(name); // nothing half-made stays behind
    disposeLayers({ layers, savedModules, shared });
    throw error;
  }
}

interface Preparation {
  readonly name: string;
  readonly matched: readonly string[];
  readonly context: Context;
}

/** What the method makes of its configuration, and the modules that it goes on. */
async function prepared<Config>(
  model: Adaptable,
  method: AdapterMethod<Config>,
  config: Config,
  { name, matched, context }: Preparation,
): Promise<{ readonly config: Config; readonly paths: readonly string[] }> {
  const leftOut = new Set<string>();
  const requests = matched.map((path) => {
    const slot = slotAt(model, path);
    return {
      path,
      frozen: slot.frozen,
      replace: slot.replace.bind(slot, name),
      watch: slot.watch.bind(slot),
      leaveOut: () => void leftOut.add(path),
      ...originalOf(model, path, slot.frozen),
    };
  });
  try {
    const decided = await method.prepare?.(requests, config, context);
    return { config: decided ?? config, paths: matched.filter((path) => !leftOut.has(path)) };
  } finally {
    for (const path of matched) slotAt(model, path).watch(undefined);
  }
}

/** Frees all that an adapter holds; its layers must be out of their slots. */
export function disposeLayers({
  layers,
  savedModules,
  shared,
}: Pick<Adapter, 'layers' | 'savedModules' | 'shared'>): void {
  for (const layer of [...layers.values(), ...savedModules.values()]) layer.dispose();
  for (const tensor of shared.values()) tensor.dispose();
}

function slotAt(model: Adaptable, path: string): Slot {
  const slot = model.modules().get(path);
  if (slot === undefined) throw new LoranError('UNKNOWN_MODULE', `The model has no module '${path}'.`);
  return slot;
}

function areConv1d(model: Adaptable, paths: readonly string[]): boolean {
  const linear = paths.filter((path) => slotAt(model, path).frozen.kind === 'linear');
  return linear.length > 0 && linear.every((path) => model.conv1d?.has(path) === true);
}

function unknownPlugin(kind: PluginKind, name: string): Plugin {
  throw new UnknownPluginError(kind, name, []);
}
