/** Ctrl-C as a signal for `train`: the first ends the training in good order, a second one ends the process. */

export interface Interruption {
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Listens no longer. */
  readonly release: () => void;
}

export function onInterrupt(): Interruption {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM'] as const;
  const release = () => {
    for (const name of names) process.removeListener(name, interrupt);
  };
  function interrupt() {
    release(); // so that the next one does what it does without us
    controller.abort();
  }
  for (const name of names) process.on(name, interrupt);
  return { signal: controller.signal, release };
}
