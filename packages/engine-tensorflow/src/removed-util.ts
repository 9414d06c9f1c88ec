import util from 'node:util';

type Test = (value: unknown) => boolean;

/** Functions of `node:util` that tfjs-node 4.22 calls and that Node 23 removed. */
const removed: Readonly<Record<string, Test>> = {
  isNullOrUndefined: (value) => value === null || value === undefined,
  isArray: Array.isArray,
};

/** Puts back those that are gone: without them tfjs-node throws TypeError in its first op. Others stay as they are. */
export function restoreRemovedUtil(target: Record<string, unknown> = util as unknown as Record<string, unknown>): void {
  for (const [name, test] of Object.entries(removed)) target[name] ??= test;
}
