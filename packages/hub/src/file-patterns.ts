/** Patterns for paths, with the meaning that they have in Python's `snapshot_download`: `*` also crosses folders. */

/** Whether `path` matches one of the patterns: `*` any characters, `?` one; a pattern that ends with `/` means all below it. */
export function matchesAny(path: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(path, pattern.endsWith('/') ? `${pattern}*` : pattern));
}

/** Two places to go back to suffice, so that the time is bounded by the product of the lengths. */
function matches(path: string, pattern: string): boolean {
  let star = -1;
  let from = 0;
  let p = 0;
  for (let i = 0; i < path.length;) {
    if (pattern[p] === '*') {
      star = p++;
      from = i;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === path[i])) {
      p++;
      i++;
    } else if (star >= 0) {
      p = star + 1;
      i = ++from;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
