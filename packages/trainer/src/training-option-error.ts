import { LoranError } from '@loran/plugin';

/** A setting of the training is out of range; the message names it, its value and what is allowed. */
class TrainingOptionError extends LoranError<'TRAINING_OPTION'> {
  readonly option: string;

  constructor(option: string, value: unknown, expected: string) {
    super('TRAINING_OPTION', `${option} is ${String(value)}. Expected ${expected}.`);
    this.option = option;
  }
}

/** Throws TRAINING_OPTION unless the setting is `valid`. */
export function requireOption(option: string, value: unknown, valid: boolean, expected: string): void {
  if (!valid) throw new TrainingOptionError(option, value, expected);
}

/** Throws TRAINING_OPTION unless `value` is a whole number above 0. */
export function requireCount(option: string, value: number): void {
  requireOption(option, value, Number.isSafeInteger(value) && value > 0, 'a whole number above 0');
}
