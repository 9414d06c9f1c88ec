/**
 * A training on one line of the terminal, drawn anew in place:
 *
 *   epoch 1/3  ████████░░░░░░░░  48/282  loss 2.4131  10,250 tokens/s  2:41 left
 *
 * Where the stream is no terminal (a log file, a CI), a plain line every few seconds instead.
 */
import { cells, duration, erase, type ProgressStream, redraw } from './terminal-line.js';
import type { StepEvent, TrainingEvent } from './training-event.js';

export interface ProgressBar {
  /** Shows what an event changes. */
  readonly show: (event: TrainingEvent) => void;
  /** Leaves the line as it is and begins another: for the end of a training that threw. */
  readonly close: () => void;
}

export interface ProgressBarOptions {
  /** Seconds between two drawings; default 0.1 on a terminal, 10 elsewhere. */
  readonly interval?: number;
}

export function progressBar(stream: ProgressStream = process.stderr, options: ProgressBarOptions = {}): ProgressBar {
  const terminal = stream.isTTY === true;
  const { interval = terminal ? 0.1 : 10 } = options;
  let drawnAt = -Infinity; // in seconds of the training
  let loss: number | undefined;
  let rate: number | undefined;
  let open = false;

  const line = (text: string) => {
    stream.write(`${terminal ? erase : ''}${text}\n`);
    open = false;
  };
  const draw = (text: string) => {
    if (!terminal) {
      line(text);
      return;
    }
    redraw(stream, text);
    open = true;
  };
  const close = () => {
    if (open) stream.write('\n');
    open = false;
  };

  return {
    show(event) {
      switch (event.type) {
        case 'step': {
          loss = smooth(loss, event.loss);
          rate = smooth(rate, event.tokensPerSecond);
          if (event.seconds - drawnAt < interval && event.step < event.steps) return;
          drawnAt = event.seconds;
          draw(describe(event, loss, rate));
          return;
        }
        case 'evaluation':
          line(`epoch ${event.epoch}, step ${event.step}: ${Object.entries(event.metrics).map(metric).join(', ')}`);
          return;
        case 'interrupted':
          line(`interrupted after step ${event.step}`);
          return;
        case 'finished':
          close();
      }
    },
    close,
  };
}

/** Mean that forgets: single batches differ too much to be read. */
const smooth = (mean: number | undefined, value: number): number =>
  mean === undefined ? value : 0.9 * mean + 0.1 * value;

function describe({ step, steps, epoch, epochs, remainingSeconds }: StepEvent, loss: number, rate: number): string {
  return [
    `epoch ${epoch}${epochs === undefined ? '' : `/${epochs}`}`,
    cells(step / steps),
    `${step}/${steps}`,
    `loss ${loss.toFixed(4)}`,
    `${Math.round(rate).toLocaleString('en-US')} tokens/s`,
    `${duration(remainingSeconds)} left`,
  ].join('  ');
}

const metric = ([name, value]: [string, number | { readonly value: number }]): string =>
  `${name} ${(typeof value === 'number' ? value : value.value).toFixed(4)}`;
