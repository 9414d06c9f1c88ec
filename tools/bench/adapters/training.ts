/** The training step of one arm: forward, backward and AdamW on random tokens, every position supervised. */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor1D, Variable } from '@tensorflow/tfjs-core';
import { createActivationRegistry, standardActivations } from '@loran/activations';
import type { AdapterSet } from '@loran/adapter';
import { adapterParameters } from '@loran/adapter';
import type { LanguageModel } from '@loran/models';
import { randomStream } from '@loran/tensor';
import { adamW } from '@loran/trainer';
import type { Arm } from './arms.js';
import type { Shape } from './shape.js';

/** Milliseconds of one whole step, until its loss is read. */
export interface StepTime {
  readonly wall: number;
  /** Of all threads together: what a step costs on a machine that others use too. */
  readonly processor: number;
}

export interface ArmTraining {
  step(): Promise<StepTime>;
}

const registry = createActivationRegistry(standardActivations);

/** Adapters of several arms on one model: a step activates its own. */
export async function armTraining(model: LanguageModel, set: AdapterSet, arm: Arm, shape: Shape): Promise<ArmTraining> {
  const { batch, time, vocabulary, rank } = shape;
  const adapter = await set.add({
    method: arm.method,
    config: { rank, alpha: 2 * rank, ...arm.config },
    targetModules: ['q_proj', 'v_proj'],
    name: arm.name.replace(/\W+/g, '-'),
    resolve: (_, name) => registry.get(name),
  });
  const parameters = adapterParameters(adapter);
  for (const [name, parameter] of parameters) {
    if (!name.endsWith('.B')) continue;
    const values = randomStream(1).derive(name).normal(parameter.shape, 0, 0.01); // as in the midst of training
    parameter.assign(values);
    values.dispose();
  }
  const optimizer = adamW();
  optimizer.start(parameters);
  let count = 0;

  const loss = (ids: readonly number[]): Scalar => {
    const tokens = tf.tensor2d([...ids], [batch, time], 'int32');
    const pass = { training: true, random: randomStream(0).derive(count) };
    const targets = tf.tensor1d([...ids.slice(1), 0], 'int32') as Tensor1D;
    return tf.mean(model.losses(model.hidden({ ids: tokens }, pass), targets, pass));
  };

  return {
    async step() {
      set.activate(adapter.name);
      const random = randomStream(2).derive(count++);
      const ids = Array.from({ length: batch * time }, (_, i) => Math.floor(random.at(i) * vocabulary));
      const [start, used] = [performance.now(), process.cpuUsage()];
      const value = tf.tidy(() => {
        const variables: Variable[] = [...parameters.values()];
        const { value, grads } = tf.variableGrads(() => loss(ids), variables);
        const gradients = [...parameters].map(([name, { name: id }]) => [name, grads[id] as Tensor] as const);
        optimizer.step(new Map(gradients), { step: count, learningRate: 1e-4 });
        return value;
      });
      await value.data();
      value.dispose();
      const { user, system } = process.cpuUsage(used);
      return { wall: performance.now() - start, processor: (user + system) / 1000 };
    },
  };
}
