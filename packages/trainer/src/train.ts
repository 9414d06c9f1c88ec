/**
 * The training loop: batches to updates, updates to events. It knows no model, no method and no engine.
 *
 *   for await (const event of train({ task, learningRate: 2e-4, epochs: 3, save })) bar.show(event);
 */
import { LoranError } from '@loran/plugin';
import { randomStream } from '@loran/tensor';
import { GradientSum } from './gradient-sum.js';
import { NonFiniteLossError } from './non-finite-loss-error.js';
import { planTraining, type TrainOptions, type TrainPlan } from './train-options.js';
import type { StepEvent, TrainingEvent } from './training-event.js';
import { type StepResult, trainingStep } from './training-step.js';

/**
 * Trains, and says what happens. The loop goes on as events are taken; leaving it early ends the training unsaved.
 *
 * The last event is 'finished' or 'interrupted'. Throws TRAINING_OPTION at the call; while it runs NON_FINITE_LOSS (with the
 * last good parameters in place and saved), PARAMETER_WITHOUT_GRADIENT, NO_BATCHES, and what the task or `save` throws.
 */
export function train<Batch>(options: TrainOptions<Batch>): AsyncGenerator<TrainingEvent, void, void> {
  return new Training(planTraining(options)).run();
}

class Training<Batch> {
  readonly #plan: TrainPlan<Batch>;
  readonly #start = performance.now();
  #step = 0;
  #epoch = 1;
  #savedStep = 0;
  #evaluatedStep = 0;
  #tokens = 0;
  /** Time spent in updates: without evaluation and saving. */
  #updateSeconds = 0;

  constructor(plan: TrainPlan<Batch>) {
    this.#plan = plan;
  }

  async *run(): AsyncGenerator<TrainingEvent, void, void> {
    const { task, optimizer, accumulate, steps, signal, evaluateEvery, saveEvery } = this.#plan;
    const sum = accumulate > 1 ? new GradientSum(task.parameters) : undefined;
    const due = (every: 'epoch' | number | undefined) => typeof every === 'number' && this.#step % every === 0;
    optimizer.start(task.parameters);
    try {
      for (; this.#step < steps; this.#epoch++) {
        let [lossSum, weightSum] = [0, 0];
        for await (const batches of groups(task.batches(this.#epoch - 1), accumulate)) {
          if (aborted(signal)) return yield* this.#interrupted();
          const event = yield* this.#update(batches, sum);
          const weight = batches.reduce((all, batch) => all + task.weight(batch), 0);
          lossSum += event.loss * weight;
          weightSum += weight;
          if (due(evaluateEvery)) yield* this.#evaluate();
          if (due(saveEvery)) yield* this.#save();
          if (this.#step === steps) break;
        }
        if (weightSum === 0) throw noBatches(this.#epoch);
        yield { type: 'epoch', ...this.#now(), loss: lossSum / weightSum };
        if (evaluateEvery === 'epoch') yield* this.#evaluate();
        if (saveEvery === 'epoch') yield* this.#save();
        if (aborted(signal) && this.#step < steps) return yield* this.#interrupted();
        if (this.#step === steps) break; // so that #epoch stays the last one's
      }
      yield* this.#save();
      yield {
        type: 'finished',
        ...this.#now(),
        tokens: this.#tokens,
        tokensPerSecond: this.#tokens / this.#updateSeconds,
      };
    } finally {
      sum?.dispose();
      optimizer.dispose();
    }
  }

  async *#update(
    batches: readonly Batch[],
    sum: GradientSum | undefined,
  ): AsyncGenerator<TrainingEvent, StepEvent, void> {
    const { task, optimizer, schedule, seed, steps, epochs, maxGradientNorm } = this.#plan;
    const step = this.#step + 1;
    const learningRate = this.#plan.learningRate * schedule.factor(this.#step, steps);
    const random = randomStream(seed).derive('dropout').derive(step);
    const started = performance.now();
    const result = await trainingStep({ task, optimizer, sum, maxGradientNorm, random }, batches, {
      step,
      learningRate,
    });
    const took = (performance.now() - started) / 1000;
    if (!result.applied) yield* this.#nonFinite(result, learningRate);

    const tokens = batches.reduce((all, batch) => all + task.tokens(batch), 0);
    this.#step = step;
    this.#tokens += tokens;
    this.#updateSeconds += took;
    const event: StepEvent = {
      type: 'step',
      ...this.#now(),
      steps,
      ...(epochs === undefined ? {} : { epochs }),
      loss: result.loss,
      learningRate,
      gradientNorm: result.gradientNorm,
      tokens,
      tokensPerSecond: tokens / took,
      remainingSeconds: (this.#updateSeconds / step) * (steps - step),
    };
    yield event;
    return event;
  }

  async *#evaluate(): AsyncGenerator<TrainingEvent, void, void> {
    const { evaluate, signal } = this.#plan;
    if (evaluate === undefined || this.#evaluatedStep === this.#step || aborted(signal)) return;
    this.#evaluatedStep = this.#step;
    try {
      yield { type: 'evaluation', ...this.#now(), metrics: await evaluate(signal) };
    } catch (error) {
      if (!aborted(signal)) throw error; // an evaluation cut short is no failure
    }
  }

  async *#save(): AsyncGenerator<TrainingEvent, void, void> {
    const { save } = this.#plan;
    if (save === undefined || this.#savedStep === this.#step) return;
    const path = await save();
    this.#savedStep = this.#step;
    yield { type: 'saved', ...this.#now(), ...(path === undefined ? {} : { path }) };
  }

  async *#interrupted(): AsyncGenerator<TrainingEvent, void, void> {
    yield* this.#save(); // after no step there is nothing to save
    yield { type: 'interrupted', ...this.#now() };
  }

  /** Asks where it comes from, saves the parameters of the step before, and throws. */
  async *#nonFinite(
    { loss, gradientNorm }: StepResult,
    learningRate: number,
  ): AsyncGenerator<TrainingEvent, never, void> {
    const found = await this.#plan.task.examine?.();
    const where = { step: this.#step + 1, epoch: this.#epoch, loss, gradientNorm, learningRate, found };
    try {
      yield* this.#save();
    } catch (saveError) {
      throw new NonFiniteLossError({ ...where, saveError });
    }
    throw new NonFiniteLossError(where);
  }

  #now() {
    return { step: this.#step, epoch: this.#epoch, seconds: (performance.now() - this.#start) / 1000 };
  }
}

/** Asked anew each time: it changes while an evaluation is awaited. */
const aborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** The items in groups of `size`; the last may be smaller. */
async function* groups<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[], void, void> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

function noBatches(epoch: number): LoranError {
  return new LoranError(
    'NO_BATCHES',
    `The task gave no batches, or none with a weight, in epoch ${epoch}. Check that the dataset is not empty.`,
  );
}
