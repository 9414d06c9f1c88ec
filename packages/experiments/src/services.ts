/**
 * What the container binds. Rebind any of them: `lab.container.rebind(Services.clock)`.
 *
 * Plugins are bound unnamed, one binding each, under the identifier of their kind; the registry made from them refuses
 * duplicates and suggests names.
 */
import type { ServiceIdentifier } from 'inversify';
import type { ModelDownload } from '@loran/models';
import type { Plugin, PluginKind } from '@loran/plugin';
import type { Engine, EngineOptions } from '@loran/tensor';
import type { PhaseProgress } from '@loran/trainer';
import type { Clock } from './clock.js';
import type { Store } from './store.js';
import type { Tracker } from './tracker.js';

const identifier = <T>(name: string): ServiceIdentifier<T> => Symbol.for(`@loran/experiments/${name}`);

export const Services = {
  /** The engine of every run; default: the one called 'onnxruntime' among the engine plugins. */
  engine: identifier<Engine>('Engine'),
  /** How the engine is opened: device and threads. */
  engineOptions: identifier<EngineOptions>('EngineOptions'),
  /** How models of the hub are fetched: token, cache, offline, progress. */
  download: identifier<ModelDownload>('Download'),
  /** Is told how far loading, tokenising, evaluating and writing have come; training has its own events. */
  progress: identifier<(progress: PhaseProgress) => void>('Progress'),
  /** Time, for durations and file names. */
  clock: identifier<Clock>('Clock'),
  /** Where runs are written. */
  store: identifier<Store>('Store'),
  /** Is told every event of every run. */
  tracker: identifier<Tracker>('Tracker'),
  /** Plugins of one kind; bind more under the same identifier, or call `lab.use`. */
  plugin: (kind: PluginKind): ServiceIdentifier<Plugin> => identifier(`plugin/${kind}`),
} as const;
