import { LoranError } from '@loran/plugin';

/** A tensor does not have the shape that its place asks for. */
export class ShapeMismatchError extends LoranError<'SHAPE_MISMATCH'> {
  constructor(what: string, expected: readonly number[], found: readonly number[], advice = '') {
    super(
      'SHAPE_MISMATCH',
      `'${what}' should have shape [${expected.join(', ')}]; it has [${found.join(', ')}].${advice && ` ${advice}`}`,
    );
  }
}
