/** The optimiser that the options of a training name. */
import { LoranError } from '@loran/plugin';
import { adamW, adamW8bit, loraPlus, type Optimizer, sgd } from '@loran/trainer';
import type { SettledTraining } from './task/run-task.js';

const optimizers = { adamw: adamW, 'adamw-8bit': adamW8bit, sgd } as const;

/** Throws INVALID_OPTIONS for a rate of embeddings that nothing reads. */
export function optimizerOf(
  training: Pick<
    SettledTraining,
    'optimizer' | 'weightDecay' | 'learningRate' | 'loraPlusRatio' | 'embeddingLearningRate'
  >,
): Optimizer {
  const { weightDecay, learningRate, loraPlusRatio: ratio, embeddingLearningRate } = training;
  const optimizer = optimizers[training.optimizer];
  if (ratio !== undefined) {
    const embeddingRatio = (embeddingLearningRate ?? 1e-6) / learningRate;
    return loraPlus({ ratio, embeddingRatio, weightDecay, optimizer });
  }
  if (embeddingLearningRate === undefined) return optimizer({ weightDecay });
  throw new LoranError(
    'INVALID_OPTIONS',
    'training.embeddingLearningRate is a rate of LoRA+: give training.loraPlusRatio too, or leave it out.',
  );
}
