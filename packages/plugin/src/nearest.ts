import { distance } from 'fastest-levenshtein';

/**
 * The candidates most like `name`, nearest first: at most `limit`, and none that differs in more than half of its letters.
 * A candidate that contains the name, or is contained in it, counts as near.
 */
export function nearest(name: string, candidates: Iterable<string>, limit = 3): string[] {
  const wanted = name.toLowerCase();
  return [...candidates]
    .map((candidate) => ({ candidate, far: farness(wanted, candidate.toLowerCase()) }))
    .filter(({ far }) => far <= 0.5)
    .sort((a, b) => a.far - b.far || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

function farness(a: string, b: string): number {
  if (a === '' || b === '') return 1;
  if (a === b) return 0;
  if (a.includes(b) || b.includes(a)) return 0.25;
  return distance(a, b) / Math.max(a.length, b.length);
}
