import type { Plugin } from '@loran/plugin';

/** Settings that belong together under one name, such as those of a paper: a storage for the base, and an adapter. */
export interface Preset extends Plugin {
  readonly kind: 'preset';
  /** What it is and where it is from, in one line. */
  readonly about: string;
  /** Storage of the frozen weights; the default one when omitted. */
  readonly base?: string;
  /** The method, its settings, and the modules it is put on (the model's own when omitted). */
  readonly adapter: {
    readonly method: string;
    readonly targetModules?: string | readonly string[];
    readonly [setting: string]: unknown;
  };
}
