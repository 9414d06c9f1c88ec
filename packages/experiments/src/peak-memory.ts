/** The highest resident set of the process while something runs, sampled, since the system's own high-water mark never falls. */
export async function withPeakMemory<T>(run: () => Promise<T>, everyMs = 50): Promise<{ value: T; peakBytes: number }> {
  let peakBytes = process.memoryUsage.rss();
  const sample = () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
  };
  const timer = setInterval(sample, everyMs);
  try {
    const value = await run();
    sample();
    return { value, peakBytes };
  } finally {
    clearInterval(timer);
  }
}
