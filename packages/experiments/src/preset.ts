/** `preset: 'loran.paper'`: settings under one name, beneath those that are given beside it. */
import type { Preset } from '@loran/adapter';
import type { Lab } from './lab.js';

/** Options as users write them, before they are checked. */
interface Choices {
  readonly preset?: string | undefined;
  readonly base?: unknown;
  readonly adapter?: Readonly<Record<string, unknown>> | undefined;
}

/** `given` on top of its preset, setting by setting. Throws UNKNOWN_PLUGIN. */
export function withPreset<T extends Choices>(lab: Pick<Lab, 'plugins'>, given: T): T {
  if (typeof given.preset !== 'string') return given; // anything else is for the check of the options to refuse
  const { base, adapter } = lab.plugins<Preset>('preset').get(given.preset);
  return { ...(base === undefined ? {} : { base }), ...given, adapter: { ...adapter, ...given.adapter } };
}
