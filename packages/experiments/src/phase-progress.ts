/** From the lab's listener to the callbacks of the packages that do the work. */
import type { PhaseProgress } from '@loran/trainer';
import type { Lab } from './lab.js';
import { Services } from './services.js';

export const noProgress = (): void => undefined;

/** The callbacks for each phase, as options. */
export interface PhaseListeners {
  readonly load: Listener;
  readonly tokenise: Listener;
  readonly evaluate: Listener;
  readonly analyse: Listener;
  readonly reduce: Listener;
  readonly write: Listener;
}

interface Listener {
  readonly onProgress: (done: number, total: number, tokens?: number) => void;
}

export function phaseListeners({ container }: Pick<Lab, 'container'>): PhaseListeners {
  const report: (progress: PhaseProgress) => void = container.get(Services.progress);
  const listener = (phase: keyof PhaseListeners, unit: string): Listener => ({
    onProgress(done, total, tokens) {
      report({ phase, unit, done, total, ...(tokens === undefined ? {} : { tokens }) });
    },
  });
  return {
    load: listener('load', 'bytes'),
    tokenise: listener('tokenise', 'examples'),
    evaluate: listener('evaluate', 'examples'),
    analyse: listener('analyse', 'layers'),
    reduce: listener('reduce', 'layers'),
    write: listener('write', 'bytes'),
  };
}
