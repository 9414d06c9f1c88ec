/**
 * A classifier small enough to overfit on the portable backend, with a LoRA on its hidden layer and a trained head:
 *
 *   ids [batch, time] -> words [20, 8] -> mean over tokens -> hidden [8, 8] -> tanh -> classifier [3, 8] -> logits [batch, 3]
 *
 * All tokens of a text are its class modulo 3.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { type Adapter, AdapterSet, adapterParameters, frozenTensor, Slot } from '@loran/adapter';
import { permutation } from '@loran/datasets';
import { lora } from '@loran/lora';
import type { TextClassifier } from '../classification/text-classifier.js';
import { randomStream } from '@loran/tensor';
import type { EncodedExample } from '../classification/encode-examples.js';

export interface Toy {
  readonly classifier: TextClassifier;
  readonly adapter: Adapter;
  readonly parameters: ReturnType<typeof adapterParameters>;
  readonly dispose: () => void;
}

export async function toyClassifier({ dropout = 0, seed = 0 } = {}): Promise<Toy> {
  const random = randomStream(7);
  const normal = (name: string, rows: number, columns: number) =>
    random.derive(name).normal([rows, columns], 0, 0.6) as Tensor2D;
  const slots = new Map([
    ['words', new Slot('words', frozenTensor(normal('words', 20, 8), null, 'embedding'))],
    ['hidden', new Slot('hidden', frozenTensor(normal('hidden', 8, 8), tf.zeros([8]) as Tensor1D))],
    ['classifier', new Slot('classifier', frozenTensor(normal('classifier', 3, 8), tf.zeros([3]) as Tensor1D))],
  ]);
  const set = new AdapterSet({ modules: () => slots, outputHead: ['classifier'] });
  const adapter = await set.add({
    method: lora,
    config: { rank: 4, alpha: 8, dropout },
    targetModules: ['hidden'],
    modulesToSave: ['classifier'],
    seed,
  });
  return {
    adapter,
    parameters: adapterParameters(adapter),
    classifier: {
      labels: ['zero', 'one', 'two'],
      maxLength: 64,
      tokenizer: {
        encode: (texts, { maxLength = Infinity } = {}) => texts.map((text) => text.split(' ').map(Number).slice(0, maxLength)),
        padId: 0,
      },
      logits: ({ ids, mask }, pass) =>
        tf.tidy(() => {
          const words = slots.get('words')!.apply(ids, pass); // [batch, time, 8]
          const shown = tf.expandDims(mask ?? tf.onesLike(ids), 2); // [batch, time, 1]
          const weights = tf.cast(shown, 'float32');
          const mean = tf.div(tf.sum(tf.mul(words, weights), 1), tf.sum(weights, 1)); // [batch, 8]
          return slots.get('classifier')!.apply(tf.tanh(slots.get('hidden')!.apply(mean, pass)), pass) as Tensor2D;
        }),
    },
    dispose: () => {
      set.remove('default');
      for (const slot of slots.values()) slot.dispose();
    },
  };
}

/** Texts of 1 to 6 tokens. */
export function toyExamples(count: number, seed = 1): EncodedExample[] {
  return Array.from({ length: count }, (_, i) => {
    const order = [...permutation(18, { seed, epoch: i })];
    const label = order[0]! % 3;
    const ids = order.filter((token) => token % 3 === label).slice(0, 1 + (order[1]! % 6));
    return { ids, label };
  });
}
