/**
 * A trap of TensorFlow on Linux: before 2.38, glibc could not reuse what its memalign had given out, and TensorFlow takes all its
 * tensors from there. A process that makes and frees tensors of a few megabytes then grows by gigabytes, as training over NF4 does:
 * 300 dequantisations of 4 MB each took 1.7 GB more, and nothing more once big blocks come from mmap.
 */
const fixedIn = 38; // glibc 2.38

/** What to tell a user of this process; undefined where there is nothing to tell. */
export function allocatorNotice(
  environment: NodeJS.ProcessEnv = process.env,
  glibc: string | undefined = glibcVersion(),
): string | undefined {
  if (environment['MALLOC_MMAP_THRESHOLD_'] !== undefined || glibc === undefined) return undefined;
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  if (major > 2 || minor >= fixedIn) return undefined;
  return (
    `loran: with glibc ${glibc}, TensorFlow's memory grows. ` +
    'Start Node with MALLOC_MMAP_THRESHOLD_=1048576 in its environment to keep it flat.'
  );
}

/** undefined elsewhere than on Linux with glibc. */
function glibcVersion(): string | undefined {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime;
}
