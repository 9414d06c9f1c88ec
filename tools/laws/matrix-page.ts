/** docs/law-matrix.md: which laws hold for which method over which base, from the outcomes of the tests. */
import type { LawOutcome } from '@loran/testing';

export interface Outcome extends LawOutcome {
  readonly method: string;
  readonly base: string;
  /** Kind of weight: 'linear', 'embedding'. */
  readonly kind: string;
}

/** The page as Markdown, in the order of the outcomes. */
export function matrixPage(outcomes: readonly Outcome[]): string {
  const bases = [...new Set(outcomes.map(({ base }) => base))];
  const methods = [...new Set(outcomes.map(({ method }) => method))];
  const laws = [...new Set(outcomes.map(({ law }) => law))];
  const skipped = [
    ...new Set(outcomes.flatMap(({ law, skipped }) => (skipped === undefined ? [] : [`${law}: ${skipped}`]))),
  ];
  const cell = (method: string, base: string): string => {
    const own = outcomes.filter((outcome) => outcome.method === method && outcome.base === base);
    if (own.length === 0) return '';
    const held = own.filter(({ skipped }) => skipped === undefined).length;
    const notes = new Set(
      own.flatMap(({ law, skipped: why }) => (why === undefined ? [] : [skipped.indexOf(`${law}: ${why}`) + 1])),
    );
    return `${held}/${own.length}${notes.size === 0 ? '' : ` (${[...notes].join(', ')})`}`;
  };
  const kindsOf = (method: string) =>
    [...new Set(outcomes.filter((outcome) => outcome.method === method).map(({ kind }) => kind))].join(', ');
  const rows = [
    ['method', 'on', ...bases],
    ['---', '---', ...bases.map(() => '---')],
    ...methods.map((method) => [method, kindsOf(method), ...bases.map((base) => cell(method, base))]),
  ];
  return [
    '# The laws, method by method and base by base',
    'Made by `npx vitest run --project tools tools/laws -u` from the results of its own tests; the same test fails when this page says something else.',
    'Each cell: how many laws hold of those that were tried, over that base alone, for every kind of weight that the method goes on. Numbers in brackets are laws that do not apply, with the reason below.',
    rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n'),
    ...(skipped.length === 0
      ? []
      : ['## Laws that do not apply', skipped.map((note, i) => `${i + 1}. ${note}.`).join('\n')]),
    '## The laws',
    laws.map((law) => `- ${law}`).join('\n'),
    '',
  ].join('\n\n');
}
