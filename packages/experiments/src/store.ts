import path from 'node:path';

/** Where a run's files go. */
export interface Store {
  /** Folder of one run of an experiment; undefined: nothing is written. */
  runFolder(output: string | undefined, arm: string, seed: number): string | undefined;
}

/** `OUTPUT/ARM/seed-N` on the local disk. */
export const folderStore: Store = {
  runFolder: (output, arm, seed) =>
    output === undefined ? undefined : path.join(output, arm.replaceAll(/[^\w.-]+/g, '-'), `seed-${seed}`),
};
