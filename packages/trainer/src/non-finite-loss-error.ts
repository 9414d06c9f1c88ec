import { LoranError } from '@loran/plugin';

export interface NonFiniteLoss {
  /** The update that was not made, and its epoch, both counted from 1. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Where it comes from, as far as the task knows: see TrainingTask.examine. */
  readonly found?: string | undefined;
  /** What saving the parameters from before it threw, if it did. */
  readonly saveError?: unknown;
}

/** Loss, gradient or updated parameters are NaN or infinite. The parameters stay those of the step before. */
export class NonFiniteLossError extends LoranError<'NON_FINITE_LOSS'> {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly found: string | undefined;

  constructor({ step, epoch, loss, gradientNorm, learningRate, found, saveError }: NonFiniteLoss) {
    super(
      'NON_FINITE_LOSS',
      `Training stopped at step ${step} (epoch ${epoch}): ${wrong(loss, gradientNorm)} ` +
        `(loss ${loss}, gradient norm ${gradientNorm}, learning rate ${learningRate}). ` +
        (found === undefined ? '' : `Found: ${found}. `) +
        `This step was not applied; the parameters are those of step ${step - 1}. ` +
        (found === undefined
          ? 'Try a lower learning rate, a longer warm-up, or maxGradientNorm: 1; if it happens at the first step, look for bad values in the model or the data.'
          : 'Choose a function that is finite there, or keep its argument small: a lower learning rate, another start.') +
        (saveError === undefined
          ? ''
          : ` They could not be saved: ${saveError instanceof Error ? saveError.message : JSON.stringify(saveError)}`),
      saveError === undefined ? {} : { cause: saveError },
    );
    this.step = step;
    this.epoch = epoch;
    this.loss = loss;
    this.gradientNorm = gradientNorm;
    this.found = found;
  }
}

function wrong(loss: number, gradientNorm: number): string {
  if (!Number.isFinite(loss)) return 'the loss is not finite';
  return Number.isFinite(gradientNorm) ? 'the updated parameters are not finite' : 'the gradients are not finite';
}
