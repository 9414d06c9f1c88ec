/**
 * What the modules of a model see of the training data, for initialisations that start from it (EVA): the model computes examples
 * without training, one at a time, so that no padding is among what it sees.
 */
import { inference } from '@loran/adapter';
import type { LoadedTask, SettledTraining } from './task/run-task.js';

/** `examples` are passed in the order of the first epoch; all there are, where they are fewer. */
export function calibration(task: LoadedTask, training: SettledTraining & { readonly seed: number }) {
  return async (examples: number): Promise<void> => {
    const nothingTrained = { layers: new Map(), savedModules: new Map() };
    const alone = { ...training, batchSize: 1, bucketWidth: 1 };
    const data = await task.trainingTask(nothingTrained, alone);
    let passed = 0;
    for await (const batch of data.batches(0)) {
      const loss = data.loss(batch, inference);
      await loss.data(); // computed now: a lazy engine would let the examples pile up
      loss.dispose();
      passed += 1;
      if (passed === examples) return;
    }
  };
}
