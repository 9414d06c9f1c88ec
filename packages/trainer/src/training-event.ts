import type { Estimate } from '@loran/evaluators';

/** Values by the evaluator's name, with their intervals where they have one. */
export type Metrics = Readonly<Record<string, number | Estimate>>;

/** What a training says of itself as it runs. Times are in seconds since its start. */
export type TrainingEvent = StepEvent | EpochEvent | EvaluationEvent | SavedEvent | InterruptedEvent | FinishedEvent;

interface Moment {
  /** Updates done so far. */
  readonly step: number;
  /** The epoch under way, counted from 1. */
  readonly epoch: number;
  readonly seconds: number;
}

/** After each update. */
export interface StepEvent extends Moment {
  readonly type: 'step';
  /** Updates of the whole training. */
  readonly steps: number;
  /** Epochs of the whole training, where it is measured in them. */
  readonly epochs?: number;
  /** Mean loss of the update's examples, before it. */
  readonly loss: number;
  readonly learningRate: number;
  /** Global norm of the gradients, before clipping. */
  readonly gradientNorm: number;
  /** Tokens of this update, without padding. */
  readonly tokens: number;
  /** Rate of this update. */
  readonly tokensPerSecond: number;
  /** Expected time to the last update, at the mean rate so far. */
  readonly remainingSeconds: number;
}

/** When the data have been gone through once, or the last update is done. */
export interface EpochEvent extends Moment {
  readonly type: 'epoch';
  /** Mean of the losses that the epoch's examples had when they were trained on. */
  readonly loss: number;
}

export interface EvaluationEvent extends Moment {
  readonly type: 'evaluation';
  readonly metrics: Metrics;
}

export interface SavedEvent extends Moment {
  readonly type: 'saved';
  /** Where the adapter was written, as `save` said. */
  readonly path?: string;
}

/** The last event of a training that its signal ended. */
export interface InterruptedEvent extends Moment {
  readonly type: 'interrupted';
}

/** The last event of a training that went its whole way. */
export interface FinishedEvent extends Moment {
  readonly type: 'finished';
  /** Tokens trained on, without padding. */
  readonly tokens: number;
  /** Rate over all updates, without evaluations and saving. */
  readonly tokensPerSecond: number;
}
