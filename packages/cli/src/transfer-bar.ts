/**
 * Bytes on their way, on one line of the terminal:
 *
 *   model.safetensors  ████░░░░░░░░░░░░  68 / 270 MB  11.2 MB/s  0:18 left
 *
 * Where the stream is no terminal, a plain line every ten seconds instead.
 */
export interface TransferBar {
  show(file: string, bytes: { readonly loadedBytes: number; readonly totalBytes: number }): void;
}

interface BarStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const width = 16;

export function transferBar(stream: BarStream, now: () => number = () => performance.now()): TransferBar {
  const terminal = stream.isTTY === true;
  const interval = terminal ? 100 : 10_000;
  let begun: { at: number; loaded: number } | undefined;
  let drawnAt = -Infinity;
  return {
    show(file, { loadedBytes, totalBytes }) {
      const at = now();
      begun ??= { at, loaded: loadedBytes }; // what an earlier download left does not count as fast
      const done = loadedBytes >= totalBytes;
      if (!done && at - drawnAt < interval) return;
      drawnAt = at;
      const rate = (1000 * (loadedBytes - begun.loaded)) / Math.max(1, at - begun.at); // bytes a second
      const filled = Math.round((width * loadedBytes) / Math.max(1, totalBytes));
      const left = rate > 0 && !done ? `  ${clock((totalBytes - loadedBytes) / rate)} left` : '';
      const megabytes = (bytes: number) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
      const text = `${file}  ${'█'.repeat(filled)}${'░'.repeat(width - filled)}  ${megabytes(loadedBytes)} / ${megabytes(totalBytes)} MB  ${megabytes(rate)} MB/s${left}`;
      if (!terminal) stream.write(`${text}\n`);
      else stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}${done ? '\n' : ''}`);
      if (done) begun = undefined;
    },
  };
}

function clock(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
