/**
 * The optimiser interface: how gradients become an update of the parameters.
 *
 * Everything that changes from step to step enters the graph as a scalar tensor, and the state is zeros from the first step
 * on, so that a lazy engine meets one structure and compiles one graph. The number of the step is the caller's: an optimiser
 * keeps nothing but the variables of `state()`, and a run that resumes has only those to restore.
 */
import type { Tensor, Variable } from '@tensorflow/tfjs-core';

export interface Update {
  /** Number of this update, counted from 1: the bias corrections follow from it. */
  readonly step: number;
  readonly learningRate: number;
}

export interface Optimizer {
  /** As users write it: 'adamw', 'sgd'. */
  readonly name: string;
  /** The settings in use, defaults filled in, for a run's record. */
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * Takes on these parameters and makes their state, zeros. Throws OPTIMIZER_IN_USE until `dispose` has ended the training
   * before: two trainings must not share moments.
   */
  start(parameters: ReadonlyMap<string, Variable>): void;
  /** Assigns the next value to every parameter and to the state. `gradients` has the names that `start` was given. */
  step(gradients: ReadonlyMap<string, Tensor>, update: Update): void;
  /** What must be restored to go on where a run stopped, by '<parameter>.<slot>': 'layer.0.query.A.firstMoment'. */
  state(): ReadonlyMap<string, Variable>;
  /** Frees the state; `start` may be called again. */
  dispose(): void;
}
