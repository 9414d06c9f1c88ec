/**
 * Learning-rate schedules, as transformers defines them: a factor of the peak rate for each step.
 *
 *   warm-up    s / w                                    for the first w steps: the first step is at 0
 *   constant   1
 *   linear     (T − s) / (T − w)
 *   cosine     ½ (1 + cos(π (s − w) / (T − w)))         s steps done, T steps in all
 */
import { requireOption } from './training-option-error.js';

export interface Schedule {
  readonly name: string;
  readonly warmup: WarmupOptions;
  /** Factor of the learning rate after `done` steps of `total`: the first step asks for 0. */
  factor(done: number, total: number): number;
}

/** One of the two, or neither: no warm-up. */
export interface WarmupOptions {
  /** Steps over which the rate rises from 0. */
  readonly warmupSteps?: number;
  /** The same as a share of all steps, rounded up; from 0 to 1. */
  readonly warmupRatio?: number;
}

/** The peak rate throughout, after the warm-up. */
export const constantSchedule = (warmup: WarmupOptions = {}): Schedule => schedule('constant', warmup, () => 1);

/** Falls to 0 along a straight line. */
export const linearSchedule = (warmup: WarmupOptions = {}): Schedule =>
  schedule('linear', warmup, (done, span) => Math.max(0, (span - done) / Math.max(1, span)));

/** Falls to 0 along half a cosine. */
export const cosineSchedule = (warmup: WarmupOptions = {}): Schedule =>
  schedule('cosine', warmup, (done, span) => Math.max(0, 0.5 * (1 + Math.cos((Math.PI * done) / Math.max(1, span)))));

/** `after(done, span)` is the factor behind the warm-up, of which `span` steps remain in all. */
function schedule(name: string, warmup: WarmupOptions, after: (done: number, span: number) => number): Schedule {
  const { warmupSteps, warmupRatio } = warmup;
  if (warmupSteps !== undefined) {
    const valid = Number.isSafeInteger(warmupSteps) && warmupSteps >= 0;
    requireOption('warmupSteps', warmupSteps, valid, 'a whole number of at least 0');
    requireOption('warmupRatio', warmupRatio, warmupRatio === undefined, 'nothing beside warmupSteps');
  }
  if (warmupRatio !== undefined) {
    requireOption('warmupRatio', warmupRatio, warmupRatio >= 0 && warmupRatio <= 1, 'a number from 0 to 1');
  }
  return {
    name,
    warmup,
    factor(done, total) {
      const rise = warmupSteps ?? Math.ceil(total * (warmupRatio ?? 0));
      return done < rise ? done / Math.max(1, rise) : after(done - rise, total - rise);
    },
  };
}
