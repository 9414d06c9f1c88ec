/** Weights read again from the model's files, for who needs them as they were before a base storage rounded them. */
import type { TensorFile } from '@loran/formats';
import type { Checkpoint } from './checkpoint.js';
import type { ModuleSpec } from './module-spec.js';
import { transposedRuns } from './value-runs.js';

/** `stored`, `packed`: as locateTensors gives them. Each reading opens the files anew, so that none stay open. */
export function originalValues(
  file: TensorFile,
  specs: readonly ModuleSpec[],
  stored: ReadonlyMap<string, string>,
  packed: Pick<ReadonlyMap<string, unknown>, 'has'>,
): Checkpoint['original'] {
  const bySpec = new Map(specs.map((spec) => [spec.path, spec]));
  return (path) => {
    const spec = bySpec.get(path);
    const name = stored.get(`${path}.weight`);
    if (spec === undefined || file.reopen === undefined || name === undefined || packed.has(path)) return undefined;
    return (async function* () {
      const opened = (await file.reopen?.()) ?? file;
      try {
        const turned = spec.kind === 'linear' && spec.conv1d === true;
        yield* turned ? transposedRuns(opened.values(name), spec.columns) : opened.values(name);
      } finally {
        await opened.close();
      }
    })();
  };
}

/** Those of a model's module; a tied head's are its embedding's. */
export function originalIn({ original, tied }: Checkpoint, path: string): ReturnType<Checkpoint['original']> {
  return original(tied.get(path) ?? path);
}
