/** Documents that cannot rot: links lead somewhere, code comes from files that run, changesets name packages that exist. */
import path from 'node:path';
import { allTexts, packagesOf, type Rule, type Workspace } from '../workspace.js';

/** Markdown files of the workspace, by path from the root. */
function markdown(workspace: Workspace): [string, string][] {
  return [...allTexts(workspace)].filter(([file]) => file.endsWith('.md')).map(([file, content]) => [file, content]);
}

export const links: Rule = {
  name: 'each relative link of a document leads to something',
  check: (workspace) => {
    const files = new Map(allTexts(workspace));
    const places = new Set([...files.keys()].flatMap((file) => [file, ...parents(file)]));
    return markdown(workspace).flatMap(([file, content]) =>
      [...content.matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => match[1]!)
        .filter((target) => !/^(?:[a-z]+:|#)/.test(target))
        .filter(
          (target) =>
            !places.has(
              path.posix
                .normalize(path.posix.join(path.posix.dirname(file), target.split('#', 1)[0]!))
                .replace(/\/$/, ''),
            ),
        )
        .map((target) => `${file}: nothing lies at ${target}`),
    );
  },
};

function parents(file: string): string[] {
  const parent = path.posix.dirname(file);
  return parent === '.' ? [] : [parent, ...parents(parent)];
}

const marked = /^<!-- code: ([^\s#]+)(?:#([\w-]+))? -->\s*^(```\w*\n)([^]*?)^```$/gm;

/**
 * A document with its marked code blocks as the files have them. A block after `<!-- code: path -->` is that file, or after
 * `<!-- code: path#part -->` what stands in it between `// #region part` and the next `// #endregion`, without its indentation.
 */
export function withCode(document: string, files: ReadonlyMap<string, string>): string {
  return document.replaceAll(marked, (block, file: string, part: string | undefined, fence: string, code: string) => {
    const text = files.get(file);
    const wanted = text === undefined || part === undefined ? text : region(text, part);
    return wanted === undefined ? block : block.replace(fence + code, () => `${fence}${wanted.trim()}\n`);
  });
}

export const codeBlocks: Rule = {
  name: 'code in documents that comes from a file equals the file',
  check: (workspace) => {
    const files = new Map(allTexts(workspace));
    return markdown(workspace).flatMap(([file, content]) => {
      const sources = [...content.matchAll(marked)].map(([, source = '', part]) => ({
        source,
        part,
        text: files.get(source),
      }));
      return [
        ...sources.filter(({ text }) => text === undefined).map(({ source }) => `${file}: there is no ${source}`),
        ...sources
          .filter(({ text, part }) => text !== undefined && part !== undefined && region(text, part) === undefined)
          .map(({ source, part }) => `${file}: ${source} has no "// #region ${part}"`),
        ...(content.split(/^<!-- code: /m).length - 1 === sources.length
          ? []
          : [`${file}: a code block should follow each mark`]),
        ...(withCode(content, files) === content
          ? []
          : [`${file}: run \`npx tsx tools/repo/refresh-documents.ts\` and look at what changed`]),
      ];
    });
  },
};

function region(text: string, name: string): string | undefined {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  const end = lines.findIndex((line, index) => index > start && line.trim() === '// #endregion');
  if (start < 0 || end < 0) return undefined;
  const inside = lines.slice(start + 1, end);
  const indent = Math.min(...inside.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return inside.map((line) => line.slice(indent)).join('\n');
}

export const quickstartShown: Rule = {
  name: 'README.md shows the code of the quickstart',
  check: ({ documents }) =>
    documents.get('README.md')?.includes('<!-- code: examples/quickstart/') === true
      ? []
      : ['README.md: no "<!-- code: examples/quickstart/… -->"'],
};

export const changesets: Rule = {
  name: 'each changeset names packages that exist, a bump, and says what changed',
  check: (workspace) => {
    const names = new Set(packagesOf(workspace).map(({ manifest }) => manifest.name));
    return [...workspace.documents]
      .filter(([file]) => /^\.changeset\/.+\.md$/.test(file) && file !== '.changeset/README.md')
      .flatMap(([file, content]) => {
        const [, front, body] = /^---\n([^]*?)\n---\n([^]*)$/.exec(content) ?? [];
        if (front === undefined) return [`${file}: no front matter`];
        const wrong = front
          .split('\n')
          .filter((line) => !names.has(/^['"]?([^'"]+?)['"]?: (?:major|minor|patch)$/.exec(line)?.[1] ?? ''));
        return [...wrong.map((line) => `${file}: ${line}`), ...(body!.trim() === '' ? [`${file}: says nothing`] : [])];
      });
  },
};
