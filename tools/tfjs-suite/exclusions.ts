/**
 * Specs of tfjs-core's suite that fail on this engine, each with its reason. `run.ts` fails on an entry that is out of date.
 */
export interface Exclusion {
  /** The spec's full name without the environment, or a pattern of such names. */
  readonly spec: string | RegExp;
  readonly reason: string;
}

export const exclusions: readonly Exclusion[] = [];
