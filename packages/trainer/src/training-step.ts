/**
 * One update of the parameters, in one graph: losses, gradients, clipping, optimiser, and the check that all of it is finite.
 *
 * Three numbers are read back. The check stays in the graph too, since to look first and to update then would run two graphs
 * and keep every gradient in between: where it fails, each variable is assigned the value it had.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { currentEngine, type RandomStream } from '@loran/tensor';
import { LoranError } from '@loran/plugin';
import type { GradientSum } from './gradient-sum.js';
import { clipByGlobalNorm, globalNorm } from './gradient-norm.js';
import type { Optimizer, Update } from './optimizer/optimizer.js';
import type { TrainingTask } from './training-task.js';

export interface StepContext<Batch> {
  readonly task: TrainingTask<Batch>;
  readonly optimizer: Optimizer;
  /** Where the gradients of several batches are summed; undefined where each update has one batch. */
  readonly sum: GradientSum | undefined;
  readonly maxGradientNorm: number | undefined;
  /** Random numbers of this update; each batch derives its own. */
  readonly random: RandomStream;
}

export interface StepResult {
  readonly loss: number;
  readonly gradientNorm: number;
  /** Whether the update was made; otherwise parameters and state are as they were. */
  readonly applied: boolean;
}

/** Updates the parameters with the mean loss over the examples of all `batches`, as if they were one batch. */
export async function trainingStep<Batch>(
  context: StepContext<Batch>,
  batches: readonly Batch[],
  update: Update,
): Promise<StepResult> {
  const { task, sum } = context;
  const weights = batches.map((batch) => task.weight(batch));
  const total = weights.reduce((all, weight) => all + weight, 0);
  const last = batches.length - 1;
  for (let i = 0; i < last; i++) {
    tf.tidy(() => {
      sum?.add(lossAndGradients(context, batches[i]!, i), weights[i]! / total, i === 0);
    });
    await currentEngine().flush(); // one batch's activations at a time: that is what accumulation is for
  }
  const report = tf.tidy(() => {
    const own = lossAndGradients(context, batches[last]!, last);
    const { loss, gradients } = sum?.add(own, weights[last]! / total, last === 0) ?? own;
    return apply(context, loss, gradients, update); // [3]
  });
  const [loss = NaN, gradientNorm = NaN, applied = 0] = await report.data<'float32'>();
  report.dispose();
  return { loss, gradientNorm, applied: applied === 1 };
}

export interface LossAndGradients {
  readonly loss: Scalar;
  readonly gradients: ReadonlyMap<string, Tensor>;
}

/** Throws PARAMETER_WITHOUT_GRADIENT: training part of nothing would go unnoticed. */
function lossAndGradients<Batch>({ task, random }: StepContext<Batch>, batch: Batch, index: number): LossAndGradients {
  const pass = { training: true, random: random.derive(index) };
  const { value: loss, grads } = tf
    .engine()
    .gradients(() => task.loss(batch, pass), [...task.parameters.values()], undefined, true);
  const names = [...task.parameters.keys()];
  const missing = names.filter((_, i) => !(grads[i] instanceof tf.Tensor));
  if (missing.length > 0) {
    throw new LoranError(
      'PARAMETER_WITHOUT_GRADIENT',
      `The loss does not depend on ${missing.length} of ${names.length} parameters: ${missing.slice(0, 4).join(', ')}${missing.length > 4 ? ', …' : ''}. ` +
        'Activate the adapter, and target only modules that the loss uses.',
    );
  }
  return { loss, gradients: new Map(names.map((name, i) => [name, grads[i]!])) };
}

/** The update, where it is finite. Returns [loss, norm of the gradients, 1 if the update was made]. */
function apply<Batch>(
  { task, optimizer, maxGradientNorm }: StepContext<Batch>,
  loss: Scalar,
  gradients: ReadonlyMap<string, Tensor>,
  update: Update,
): Tensor {
  const norm = globalNorm(gradients.values());
  const clipped = maxGradientNorm === undefined ? gradients : clipByGlobalNorm(gradients, norm, maxGradientNorm);
  const variables: Variable[] = [...task.parameters.values(), ...optimizer.state().values()];
  const before = variables.map((variable) => tf.clone<Tensor>(variable));
  optimizer.step(clipped, update);
  const size = globalNorm(task.parameters.values());
  const finite = tf.isFinite(tf.addN<Tensor>([loss, norm, size])); // one that is not makes their sum so
  variables.forEach((variable, i) => {
    variable.assign(tf.where(finite, variable, before[i]!));
  });
  return tf.stack([loss, norm, tf.cast(finite, 'float32')]);
}
