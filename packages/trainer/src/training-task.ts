/**
 * What is trained on what: the seam between the training loop, which knows no model, and a model with its data.
 *
 * A task of one's own is any object of this shape; `classificationTask` makes the one for texts and classes.
 */
import type { Pass } from '@loran/adapter';
import type { Scalar, Variable } from '@tensorflow/tfjs-core';

export interface TrainingTask<Batch> {
  /** What the optimiser changes, by name; `adapterParameters(adapter)` for an adapter. */
  readonly parameters: ReadonlyMap<string, Variable>;
  /** Batches in an epoch, where it is known before reading: without it a training is measured in steps only. */
  readonly batchCount?: number;
  /** The batches of an epoch, counted from 0, in an order that follows from the epoch alone, so that a run can be repeated. */
  batches(epoch: number): Iterable<Batch> | AsyncIterable<Batch>;
  /** Mean loss over the batch, differentiable in the parameters. Called inside a tidy: what it makes is freed. */
  loss(batch: Batch, pass: Pass): Scalar;
  /** What the mean of `loss` was taken over: examples, or supervised tokens. */
  weight(batch: Batch): number;
  /**
   * Where a number that is not finite comes from, in words; asked once, when a step has one. `nonFiniteLayer(adapter)` for an
   * adapter. None when omitted.
   */
  examine?(): Promise<string | undefined>;
  /** Tokens in the batch without padding, for the rate. */
  tokens(batch: Batch): number;
}
