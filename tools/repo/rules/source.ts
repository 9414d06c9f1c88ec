/** How our source looks: explicit exports, one concept a file, tests beside it, nothing promised instead of done. */
import { allTexts, isSource, isTest, packagesOf, where, type Rule } from '../workspace.js';

const limit = 260;

export const explicitExports: Rule = {
  name: 'src/index.ts has nothing but named exports, each spelled out',
  check: (workspace) =>
    packagesOf(workspace).flatMap((member) => {
      const index = member.files.get('src/index.ts');
      if (index === undefined) return [`${where(member)}: no src/index.ts`];
      const statements = index
        .replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, '')
        .split(';')
        .map((statement) => statement.trim())
        .filter((statement) => statement !== '');
      const wrong = statements.filter(
        (statement) => !/^export (type )?\{[^*}]+\} from '\.\/[\w./-]+\.js'$/.test(statement),
      );
      if (statements.length === 0) wrong.push('(nothing is exported)');
      return wrong.map((statement) => `${where(member, 'src/index.ts')}: ${statement.split('\n', 1)[0]}`);
    }),
};

export const fileLength: Rule = {
  name: `no source file is longer than ${limit} lines`,
  check: (workspace) =>
    [...allTexts(workspace)]
      .filter(([file, content]) => isSource(file) && content.split('\n').length - 1 > limit)
      .map(([file, content]) => `${file} has ${content.split('\n').length - 1} lines: one concept a file`),
};

export const hasTests: Rule = {
  name: 'each package has tests',
  check: (workspace) =>
    packagesOf(workspace)
      .filter(({ files }) => ![...files.keys()].some((file) => file.endsWith('.test.ts')))
      .map((member) => `${where(member)} has no test`),
};

/** The brackets keep this line from matching itself. */
const promises =
  /[T]ODO|[F]IXME|[X]XX|[Nn]ot (?:yet )?[i]mplemented|[p]laceholder|\b[s]tub|as [a]ny\b|@[t]s-(?:ignore|nocheck)/;
export const nothingPromised: Rule = {
  name: 'no source promises instead of doing, or switches the compiler off',
  check: (workspace) => lines(workspace, isSource, promises),
};

const skip = /\b(?:it|test|describe)\.(?:skip|todo|only)\b/;
export const noTestSwitchedOff: Rule = {
  name: 'no test is switched off in the source; one that cannot run says why when it runs',
  check: (workspace) => lines(workspace, isTest, skip),
};

const machinePath = /(?:^|[\s'"`(=])\/(?:home|Users|work|mnt|media)\/[\w.-]/;
export const noMachinePaths: Rule = {
  name: "no path of somebody's machine",
  check: (workspace) => lines(workspace, () => true, machinePath),
};

const vague = /(?:^|\/)(?:utils?|helpers?|common|types|managers?|misc)(?:\.ts|\/)/;
export const namesSayWhat: Rule = {
  name: 'no file is named utils, helpers, common, types or manager',
  check: (workspace) =>
    [...allTexts(workspace)].map(([file]) => file).filter((file) => isSource(file) && vague.test(file)),
};

function lines(workspace: Parameters<Rule['check']>[0], files: (file: string) => boolean, pattern: RegExp): string[] {
  return [...allTexts(workspace)]
    .filter(([file]) => files(file))
    .flatMap(([file, content]) =>
      content
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 100)}`] : [])),
    );
}
