/** The arrows: package.json files obey the table of layers, and the picture in the README shows exactly what they say. */
import { layers, testLayers } from '../layers.mjs';
import { packagesOf, where, type Manifest, type Rule, type Workspace } from '../workspace.js';

const allowed: Readonly<Record<string, readonly string[]>> = layers;
const allowedInTests: Readonly<Record<string, readonly string[]>> = testLayers;

/** The layers that a package.json names, by folder. */
function layersIn(dependencies: Manifest['dependencies'] = {}): string[] {
  return Object.keys(dependencies).flatMap((name) =>
    name === 'loran' ? ['cli'] : (/^@loran\/(.+)$/.exec(name)?.slice(1) ?? []),
  );
}

export const arrows: Rule = {
  name: 'each package depends only on what the table of layers allows',
  check: (workspace) =>
    packagesOf(workspace).flatMap((member) => {
      const { folder, manifest } = member;
      const shipped = allowed[folder];
      if (shipped === undefined) return [`${where(member)}: tools/repo/layers.mjs has no layer "${folder}"`];
      const wrong = [
        ...layersIn(manifest.dependencies).filter((layer) => !shipped.includes(layer)),
        ...layersIn(manifest.peerDependencies).filter((layer) => !shipped.includes(layer)),
        ...layersIn(manifest.devDependencies).filter(
          (layer) => ![...shipped, ...(allowedInTests[folder] ?? [])].includes(layer),
        ),
      ];
      return wrong.map((layer) => `${where(member, 'package.json')}: ${folder} may not depend on ${layer}`);
    }),
};

/** Marks of the generated picture in README.md. */
export const pictureMarks = ['<!-- arrows: made by tools/repo/refresh-documents.ts -->', '<!-- /arrows -->'] as const;

/**
 * The Mermaid picture of the arrows, from the package.json files. An arrow that follows from others is left out: what trainer
 * reaches by way of models is not drawn again. Without `plugin`, on which everything stands.
 */
export function picture(workspace: Workspace): string {
  const reach = new Map(packagesOf(workspace).map(({ folder, manifest }) => [folder, layersIn(manifest.dependencies)]));
  const reachable = (from: string): Set<string> =>
    new Set((reach.get(from) ?? []).flatMap((layer) => [layer, ...reachable(layer)]));
  const drawn = [...reach].flatMap(([folder, direct]) =>
    direct
      .filter((layer) => layer !== 'plugin')
      .filter((layer) => !direct.some((other) => other !== layer && reachable(other).has(layer)))
      .map((layer) => `  ${folder} --> ${layer}`),
  );
  return ['```mermaid', 'flowchart TD', ...drawn.sort(), '```'].join('\n');
}

/** README.md with the picture as it should be. */
export function withPicture(readme: string, workspace: Workspace): string {
  const [before = '', rest = ''] = readme.split(pictureMarks[0]);
  const after = rest.split(pictureMarks[1])[1] ?? '';
  return `${before}${pictureMarks[0]}\n\n${picture(workspace)}\n\n${pictureMarks[1]}${after}`;
}

export const arrowPicture: Rule = {
  name: 'the picture of the arrows in README.md is what the package.json files say',
  check: (workspace) => {
    const readme = workspace.documents.get('README.md') ?? '';
    return readme === withPicture(readme, workspace)
      ? []
      : ['README.md: run `npx tsx tools/repo/refresh-documents.ts` and look at what changed'];
  },
};
