/** Every package's README has the same headings, so that a reader knows where to look. */
import { packagesOf, where, type Rule } from '../workspace.js';

export const headings = ['What', 'Install', 'Example', 'Options', 'Laws and limits'];

export const readmeHeadings: Rule = {
  name: `each README has the title and the headings ${headings.join(', ')}, each with text`,
  check: (workspace) =>
    packagesOf(workspace).flatMap((member) => {
      const readme = member.files.get('README.md');
      if (readme === undefined) return [`${where(member)}: no README.md`];
      const prose = withoutCode(readme);
      const problems: string[] = [];
      if (!readme.startsWith(`# ${member.manifest.name}\n`))
        problems.push(`the first line is not "# ${member.manifest.name}"`);
      const found = [...prose.matchAll(/^## (.+)$/gm)].map((match) => match[1]!.trim());
      if (found.join() !== headings.join()) problems.push(`the headings are ${found.join(', ')}`);
      for (const section of readme.split(/^## /m).slice(1)) {
        const [title = '', ...body] = section.split('\n');
        if (body.join('').trim() === '') problems.push(`"${title}" is empty`);
      }
      return problems.map((problem) => `${where(member, 'README.md')}: ${problem}`);
    }),
};

/** A Markdown text without its fenced blocks, where a # is a comment. */
function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[^]*?^```/gm, '');
}
