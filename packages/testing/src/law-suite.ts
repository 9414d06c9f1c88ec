/**
 * Laws: statements that every plugin of a kind must satisfy, each a named function of a subject that it builds itself.
 *
 * A law that does not apply is skipped with a reason, which the report shows. A skip that names no law is a mistake.
 */
import { LoranError, nearest } from '@loran/plugin';
import { test } from 'vitest';

export type Law<Subject> = (subject: Subject) => Promise<void> | void;

export interface SkippedLaw {
  /** Name of the law, as the report prints it. */
  readonly law: string;
  /** Why it does not hold here, in a sentence. */
  readonly reason: string;
  /** Names of the configurations that it is skipped for; all when omitted. */
  readonly configs?: readonly string[];
}

/** Registers one Vitest test for each law. */
export function testLaws<Subject>(
  laws: Readonly<Record<string, Law<Subject>>>,
  subject: Subject,
  { skip = [], config }: { readonly skip?: readonly SkippedLaw[] | undefined; readonly config?: string } = {},
): void {
  checkSkips(Object.keys(laws), skip);
  for (const [name, law] of Object.entries(laws)) {
    const skipped = skip.find(
      ({ law: skippedLaw, configs }) =>
        skippedLaw === name && (config === undefined || (configs?.includes(config) ?? true)),
    );
    test(name, async (context) => {
      if (skipped !== undefined) context.skip(skipped.reason);
      await law(subject);
    });
  }
}

function checkSkips(laws: readonly string[], skip: readonly SkippedLaw[]): void {
  for (const { law, reason } of skip) {
    if (!laws.includes(law)) {
      const near = nearest(law, laws, 1).map((name) => `Did you mean '${name}'? `);
      throw new LoranError(
        'UNKNOWN_LAW',
        `There is no law '${law}' to skip. ${near.join('')}Laws: ${laws.join('; ')}.`,
      );
    }
    if (reason.trim() === '') throw new LoranError('UNKNOWN_LAW', `The law '${law}' is skipped without a reason.`);
  }
}
