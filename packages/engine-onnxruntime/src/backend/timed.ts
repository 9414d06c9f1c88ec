/** Milliseconds of computing everything that `f` makes; tfjs's profiler wants `f` called before this returns. */
export async function timed(
  backend: { schedule(): void; flush(): Promise<void> },
  f: () => void,
): Promise<{ kernelMs: number; wallMs: number }> {
  backend.schedule();
  const start = performance.now();
  f();
  await backend.flush();
  const elapsed = performance.now() - start;
  return { kernelMs: elapsed, wallMs: elapsed };
}
