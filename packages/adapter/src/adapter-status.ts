/** What adapters a model has and what each of them does now: for programs, and as a table for people. */
import type { Scalar } from '@tensorflow/tfjs-core';
import { type Adapter, adapterParameters } from './adapter.js';
import type { Adaptable } from './contract/adaptable.js';

export interface AdapterStatus {
  readonly name: string;
  /** Name of its method. */
  readonly method: string;
  /** Its whole configuration, defaults filled in. */
  readonly config: unknown;
  /** The fields of the configuration that differ from the method's defaults, and its numbers: 'rank 8, alpha 16'. */
  readonly summary: string;
  /** Paths of the modules that the method is on. */
  readonly modules: readonly string[];
  /** Paths of the modules that it trains whole. */
  readonly savedModules: readonly string[];
  /** 'partly' where single slots were switched by hand. */
  readonly active: boolean | 'partly';
  /** Whether its update is in the weights at present; see AdapterSet.merge. */
  readonly merged: boolean;
  /** Paths of the modules whose frozen weight it replaced while it exists. */
  readonly replaces: readonly string[];
  /** Trainable parameters, in elements. */
  readonly trainable: number;
  readonly scale: number | Scalar;
}

export function adapterStatus(model: Adaptable, adapter: Adapter): AdapterStatus {
  const { name, method, config, scale } = adapter;
  const [modules, savedModules] = [[...adapter.layers.keys()], [...adapter.savedModules.keys()]];
  const slots = [...modules, ...savedModules].map((path) => model.modules().get(path)!);
  const active = slots.filter((slot) => slot.active().has(name));
  return {
    name,
    method: method.name,
    config,
    summary: summary(config, method.config.safeParse({}).data),
    modules,
    savedModules,
    active: active.length === 0 ? false : active.length === slots.length || 'partly',
    merged: active.some((slot) => slot.merged),
    replaces: slots.filter((slot) => slot.replacedBy === name).map(({ path }) => path),
    trainable: [...adapterParameters(adapter).values()].reduce((sum, { size }) => sum + size, 0),
    scale,
  };
}

/** A table with a line for each adapter. */
export function formatAdapterStatus(status: readonly AdapterStatus[]): string {
  if (status.length === 0) return 'No adapters.';
  const rows = status.map((of) => [
    of.name,
    of.method,
    of.summary,
    `${of.modules.length}${of.savedModules.length > 0 ? ` + ${of.savedModules.length} whole` : ''}`,
    of.merged ? 'merged' : of.active === 'partly' ? 'partly active' : of.active ? 'active' : 'off',
    of.trainable.toLocaleString('en-US'),
    typeof of.scale === 'number' ? String(of.scale) : 'a tensor',
  ]);
  const table = [['adapter', 'method', 'configuration', 'modules', 'state', 'trainable', 'scale'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function summary(config: unknown, defaults: unknown): string {
  if (typeof config !== 'object' || config === null) return '';
  const usual = (defaults ?? {}) as Readonly<Record<string, unknown>>;
  const told = Object.entries(config).filter(
    ([field, value]) =>
      value !== undefined &&
      ((typeof value === 'number' && value !== 0) || JSON.stringify(value) !== JSON.stringify(usual[field])),
  );
  return told.map(([field, value]) => `${field} ${shown(value)}`).join(', ');
}

/** Plain values as they are, a plugin by its name, what is nested as JSON. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return 'name' in value && typeof value.name === 'string' && 'kind' in value ? value.name : JSON.stringify(value);
}
