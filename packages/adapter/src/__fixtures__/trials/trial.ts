/**
 * What the throw-away methods share. They exist to try the contract before anything stands on it, and stay as its tests:
 * each is the shortest honest form of a published method, not one to train with.
 */
import type { AdapterMethod } from '../../contract/adapter-method.js';
import { z } from 'zod';

export const trialConfig = z.object({ rank: z.int().positive().default(2), alpha: z.number().default(4) });
export type TrialConfig = z.infer<typeof trialConfig>;

export function trial(
  name: string,
  suffixes: Readonly<Record<string, string>>,
  parts: Pick<AdapterMethod<TrialConfig>, 'create' | 'prepare'>,
  shared: Readonly<Record<string, string>> = {},
): AdapterMethod<TrialConfig> {
  return {
    kind: 'adapter-method',
    name,
    package: null,
    version: null,
    config: trialConfig,
    formats: [
      {
        name: 'peft',
        peftType: name.toUpperCase(),
        toFile: ({ rank, alpha }) => ({ r: rank, alpha }),
        fromFile: ({ r, alpha }) => ({ rank: r, alpha }),
        suffixes: new Map(Object.entries(suffixes)),
        shared: new Map(Object.entries(shared)),
      },
    ],
    ...parts,
  };
}
