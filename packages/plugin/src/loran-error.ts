/**
 * The base of every error that a user can cause or meet.
 *
 * `code` is stable and meant for programs; the message says what happened, where, what was expected and what to do.
 * The brand is a registered symbol, so that two copies of this package in one process recognise each other's errors.
 */
const brand = Symbol.for('loran.error');

export class LoranError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly [brand] = true;

  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'LoranError';
    this.code = code;
  }

  /** Whether `value` is a LoranError, from this copy of the package or another; with `code`, one of that code. */
  static is<C extends string>(value: unknown, code?: C): value is LoranError<C> {
    if (typeof value !== 'object' || value === null || !(brand in value)) return false;
    return code === undefined || (value as LoranError).code === code;
  }
}
