import { version } from './version.js';

/** Where the shipped activations come from. */
export const origin = { package: '@loran/activations', version } as const;
