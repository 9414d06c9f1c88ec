/**
 * Judges the results of a run by the list of exclusions.
 */
import type { Exclusion } from './exclusions.js';

export interface SpecResult {
  readonly name: string;
  readonly status: string;
  /** The first failed expectation. */
  readonly message: string;
}

export interface Verdict {
  readonly counts: Readonly<Record<string, number>>;
  /** Failed and not excluded. */
  readonly failures: readonly SpecResult[];
  /** Failed as an exclusion says. */
  readonly excluded: readonly SpecResult[];
  /** Exclusions that match no spec, and excluded specs that pass. */
  readonly stale: readonly string[];
}

export function judge(results: readonly SpecResult[], exclusions: readonly Exclusion[]): Verdict {
  const counts: Record<string, number> = {};
  for (const { status } of results) counts[status] = (counts[status] ?? 0) + 1;

  const failed = results.filter(({ status }) => status === 'failed');
  const failedNames = new Set(failed.map(({ name }) => name));
  const stale = exclusions.flatMap(({ spec, mayPass = false }) => {
    const matched = new Set(results.filter(({ name }) => matches(spec, name)).map(({ name }) => name));
    if (matched.size === 0) return [`${String(spec)} matches no spec`];
    if (mayPass) return [];
    // Several specs may have the same name; one of them has to fail.
    return [...matched].filter((name) => !failedNames.has(name)).map((name) => `${name} passes`);
  });
  const isExcluded = ({ name }: SpecResult): boolean => exclusions.some(({ spec }) => matches(spec, name));
  return {
    counts,
    failures: failed.filter((result) => !isExcluded(result)),
    excluded: failed.filter(isExcluded),
    stale,
  };
}

/** Whether an exclusion is about the spec of that name. */
export function matches(spec: string | RegExp, name: string): boolean {
  return typeof spec === 'string' ? spec === name : spec.test(name);
}
