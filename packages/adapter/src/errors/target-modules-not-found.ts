import { LoranError, nearest } from '@loran/plugin';

/** No module of the model matches `targetModules`; lists what could have been meant. */
export class TargetModulesNotFoundError extends LoranError<'TARGET_MODULES_NOT_FOUND'> {
  constructor(patterns: readonly string[], available: readonly string[]) {
    const names = lastSegments(available);
    const near = [...new Set(patterns.flatMap((pattern) => nearest(pattern, names)))];
    super(
      'TARGET_MODULES_NOT_FOUND',
      `No linear or embedding module matches ${quoted(patterns)}. This model has ${quoted(names)}` +
        `${near.length > 0 ? `. Did you mean ${quoted(near)}?` : '.'} ` +
        "A list matches whole names or endings after a dot; a single string is a regular expression for the whole path, or 'all-linear'.",
    );
  }
}

/** The distinct last segments of the paths: what users put into `targetModules`. */
function lastSegments(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => path.slice(path.lastIndexOf('.') + 1)))].sort();
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ') || 'none';
