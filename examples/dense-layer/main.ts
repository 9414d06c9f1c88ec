/**
 * LoRA on a dense layer of your own, with nothing else of loran around it.
 *
 * A layer y = x Wᵀ + b has learned one task. A new task differs from it by a change of rank 2. LoRA of rank 2 finds that
 * change from examples while W stays frozen, is saved in PEFT's format, and is merged into W at the end.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { pathToFileURL } from 'node:url';
import { adapterParameters, AdapterSet, formatParameterCount, frozenTensor, saveAdapter, Slot } from '@loran/adapter';
import { lora } from '@loran/lora';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';

export interface DenseLayerOptions {
  /** Folder for the adapter; not saved when omitted. */
  readonly output?: string;
  readonly steps?: number;
}

export async function main({ output, steps = 200 }: DenseLayerOptions = {}) {
  await openEngine(portableEngine('cpu')); // any tfjs backend; this also registers tfjs's gradients

  const random = randomStream(1);
  const normal = (name: string, shape: number[], deviation: number) => random.derive(name).normal(shape, 0, deviation);
  const weight = normal('weight', [16, 24], 0.2) as Tensor2D; // [out, in]
  const bias = normal('bias', [16], 0.1) as Tensor1D; // [out]

  // The new task: the same layer with a change of rank 2, seen through 200 examples.
  const change = tf.matMul(normal('left', [16, 2], 0.5) as Tensor2D, normal('right', [2, 24], 0.3) as Tensor2D);
  const x = normal('x', [200, 24], 1) as Tensor2D;
  const y = tf.add(tf.matMul(x, tf.add<Tensor2D>(weight, change), false, true), bias); // [200, out]

  // #region lora
  // A slot is one place for a frozen weight and its adapters; a model is anything that can name its slots.
  const dense = new Slot('dense', frozenTensor(weight, bias));
  const adapters = new AdapterSet({ modules: () => new Map([['dense', dense]]) });
  const adapter = await adapters.add({ method: lora, config: { rank: 2, alpha: 4 }, targetModules: ['dense'] });
  console.log(formatParameterCount(adapters.count()));

  const loss = () => tf.tidy(() => tf.mean<Scalar>(tf.square(tf.sub(dense.apply(x), y))));
  const [before = NaN] = await loss().data<'float32'>();
  const optimizer = tf.train.adam(0.02);
  const parameters = [...adapterParameters(adapter).values()];
  for (let step = 1; step <= steps; step++) {
    optimizer.minimize(loss, false, parameters);
    if (step % 100 === 0) console.log(`step ${step}: loss ${(await loss().data<'float32'>())[0]?.toExponential(2)}`);
  }
  const [after = NaN] = await loss().data<'float32'>();

  if (output !== undefined) await saveAdapter(adapter, output);
  await adapters.merge(); // dense.apply(x) now costs what it cost without an adapter
  // #endregion
  const [merged = NaN] = await loss().data<'float32'>();
  console.log(`loss ${before.toFixed(3)} before, ${after.toExponential(2)} after, ${merged.toExponential(2)} merged`);
  return { before, after, merged };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main({ output: process.argv[2] ?? 'adapter' });
