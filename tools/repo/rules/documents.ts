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

/**
 * A code block after `<!-- code: path -->` is that file, or after `<!-- code: path#part -->` what stands in it between
 * `// #region part` and the next `// #endregion`, without its indentation.
 */
export const codeBlocks: Rule = {
  name: 'code in documents that comes from a file equals the file',
  check: (workspace) => {
    const files = new Map(allTexts(workspace));
    return markdown(workspace).flatMap(([file, content]) =>
      content
        .split(/^<!-- code: /m)
        .slice(1)
        .flatMap((rest) => {
          const [, source = '', part, code] = /^([^\s#]+)(?:#([\w-]+))? -->\s*^```\w*\n([^]*?)^```$/m.exec(rest) ?? [];
          if (code === undefined) return [`${file}: a code block should follow "${rest.split('\n', 1)[0]}"`];
          const text = files.get(source);
          if (text === undefined) return [`${file}: there is no ${source}`];
          const wanted = part === undefined ? text : region(text, part);
          if (wanted === undefined) return [`${file}: ${source} has no "// #region ${part}"`];
          return wanted.trim() === code.trim()
            ? []
            : [`${file}: the code is not that of ${source}${part === undefined ? '' : `#${part}`}`];
        }),
    );
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
