/**
 * An activation of your own, compared with Sinter and with the identity, which makes LoRAN plain LoRA.
 *
 *   npx tsx --conditions=@loran/source examples/custom-activation/main.ts
 */
import { pathToFileURL } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { defineActivation, identity, sinter } from '@loran/activations';
import { prepareQuickstart } from '@loran/example-quickstart/prepare';
import { createLab, type Report } from '@loran/experiments';
import { loran } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import { progressBar } from '@loran/trainer';

// #region snake
/** Snake (arXiv 2006.08195): z + sin²(az) / a, here with a trained along. Autodiff gives its gradient. */
const snake = defineActivation({
  name: 'snake',
  parameters: { a: { initial: 1, trainable: true } },
  apply: (z, { a }) => tf.add(z, tf.div(tf.square(tf.sin(tf.mul(a, z))), a)),
});
// #endregion

export interface ComparisonOptions {
  readonly steps?: number;
  readonly data?: { readonly train: string; readonly test: string };
}

export async function compareActivations({ steps = 36, data }: ComparisonOptions = {}): Promise<Report> {
  const { model, ...mails } = await prepareQuickstart();
  const bar = progressBar();
  // #region experiment
  return createLab()
    .use(loran, nf4, identity, sinter, snake)
    .experiment({
      model,
      data: data ?? mails,
      pooling: 'mean',
      training: { steps, batchSize: 16, learningRate: 4e-3, maxLength: 64 },
      arms: Object.fromEntries(
        ['identity', 'sinter', 'snake'].map((activation) => [
          activation,
          { base: 'nf4', adapter: { method: 'loran', rank: 8, alpha: 16, activation } },
        ]),
      ),
    })
    .run({ onProgress: (_, event) => bar.show(event) });
  // #endregion
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log((await compareActivations()).table());
}
