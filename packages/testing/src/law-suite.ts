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

/** What came of one law: for reports that are made of the tests' own results. A law that failed is not reported. */
export interface LawOutcome {
  readonly law: string;
  /** Why it was skipped; undefined where it holds. */
  readonly skipped: string | undefined;
}

export interface LawOptions {
  readonly skip?: readonly SkippedLaw[] | undefined;
  /** Name of the configuration, which a skip may name. */
  readonly config?: string;
  readonly report?: ((outcome: LawOutcome) => void) | undefined;
}

/** Registers one Vitest test for each law. */
export function testLaws<Subject>(
  laws: Readonly<Record<string, Law<Subject>>>,
  subject: Subject,
  { skip = [], config, report }: LawOptions = {},
): void {
  checkSkips(Object.keys(laws), skip);
  for (const [name, law] of Object.entries(laws)) {
    const skipped = skip.find(
      ({ law: skippedLaw, configs }) =>
        skippedLaw === name && (config === undefined || (configs?.includes(config) ?? true)),
    );
    test(name, async (context) => {
      if (skipped !== undefined) {
        report?.({ law: name, skipped: skipped.reason });
        context.skip(skipped.reason);
      }
      await law(subject);
      report?.({ law: name, skipped: undefined });
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
