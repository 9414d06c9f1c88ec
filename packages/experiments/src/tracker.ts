import type { TrainingEvent } from '@loran/trainer';

/** Which run an event belongs to. */
export interface RunIdentity {
  readonly arm: string;
  readonly seed: number;
  /** Position among the runs of the experiment, from 1. */
  readonly run: number;
  readonly runs: number;
}

/** Is told what happens, run by run: a logger, a dashboard, a service. */
export interface Tracker {
  track(run: RunIdentity, event: TrainingEvent): void;
}

export const noTracker: Tracker = { track: () => undefined };
