/**
 * What goes on besides training (download, load, tokenise, evaluate, …) on one line of the terminal, drawn anew in place:
 *
 *   load      ██████████░░░░░░  170 / 270 MB  310 MB/s  0:01 left
 *   evaluate  ████░░░░░░░░░░░░  120 / 480 examples  5,210 tokens/s  0:12 left
 *
 * Where the stream is no terminal (a log file, a CI), a plain line every ten seconds instead. What takes less than half a
 * second, or ten where it is no terminal, is not shown at all.
 */
import { cells, duration, erase, type ProgressStream, redraw } from './terminal-line.js';

/** How far a phase has come. It has ended when `done` reaches `total`. */
export interface PhaseProgress {
  /** 'load', 'tokenise', 'evaluate', … */
  readonly phase: string;
  /** The part of it in progress, such as a file. */
  readonly item?: string;
  readonly done: number;
  readonly total: number;
  /** What is counted, in the plural: 'examples'; 'bytes' are shown as MB or GB. */
  readonly unit: string;
  /** Tokens gone through, where these say the speed better. */
  readonly tokens?: number;
}

export interface PhaseBar {
  readonly show: (progress: PhaseProgress) => void;
  /** Takes the line away, so that something else can be written; the next drawing brings it back. */
  readonly clear: () => void;
}

export interface PhaseBarOptions {
  /** The time in milliseconds; default performance.now. */
  readonly now?: () => number;
}

export function phaseBar(
  stream: ProgressStream = process.stderr,
  { now = () => performance.now() }: PhaseBarOptions = {},
): PhaseBar {
  const terminal = stream.isTTY === true;
  const [patience, interval] = terminal ? [500, 100] : [10_000, 10_000]; // milliseconds
  let begun: Begun | undefined;
  let reached = 0;
  let drawnAt = -Infinity;
  let open = false; // whether a line stands that is not ended
  const clear = () => {
    if (open) stream.write(erase);
    open = false;
  };

  return {
    show(progress) {
      const at = now();
      const { phase, done, total, tokens = 0 } = progress;
      if (begun?.phase !== phase || done < reached) {
        clear();
        begun = { phase, at, done, tokens };
      }
      reached = done;
      const finished = done >= total;
      const tooSoon = at - begun.at < patience || (!finished && at - drawnAt < interval);
      if (!tooSoon) {
        drawnAt = at;
        const text = describe(progress, begun, (at - begun.at) / 1000);
        if (terminal) redraw(stream, text);
        else stream.write(text);
        if (finished || !terminal) stream.write('\n');
        open = terminal && !finished;
      }
      if (finished) begun = undefined;
    },
    clear,
  };
}

interface Begun {
  readonly phase: string;
  readonly at: number;
  /** What was done before, such as the bytes that an earlier download left: it does not count as fast. */
  readonly done: number;
  readonly tokens: number;
}

function describe({ phase, item, done, total, unit, tokens }: PhaseProgress, begun: Begun, seconds: number): string {
  const rate = (done - begun.done) / seconds;
  const { amount, suffix } = unit === 'bytes' ? inBytes(total) : { amount: count, suffix: unit };
  const [speed, said] =
    tokens === undefined ? [rate, `${amount(rate)} ${suffix}/s`] : tokenSpeed((tokens - begun.tokens) / seconds);
  return [
    item === undefined ? phase : `${phase} ${item}`,
    cells(done / total),
    `${amount(done)} / ${amount(total)} ${suffix}`,
    ...(speed > 0 ? [said] : []),
    ...(rate > 0 && done < total ? [`${duration((total - done) / rate)} left`] : []),
  ].join('  ');
}

const tokenSpeed = (rate: number) => [rate, `${count(rate)} tokens/s`] as const;

const count = (value: number): string =>
  value < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');

/** MB, or GB where there are many. */
function inBytes(total: number): { amount: (bytes: number) => string; suffix: string } {
  const [size, suffix] = total < 10e9 ? [1e6, 'MB'] : [1e9, 'GB'];
  return { amount: (bytes) => (bytes / size).toFixed(bytes / size < 10 ? 1 : 0), suffix };
}
