/**
 * The Nx generators of this repository: `nx g @loran/tools:adapter my-method`, and likewise `activation`, `dataset` and `evaluator`.
 * Each writes packages/<name> from files/package and files/<kind>, and a changeset; adds the package to the table of layers, the
 * TypeScript references and the README; then installs, which links it, and draws the picture of the arrows anew.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { formatFiles, generateFiles, readJson, updateJson } from '@nx/devkit';
import { checkedNames } from './plugin-names.mjs';

/** What each kind is made of: its interface's packages, and those that its tests need besides the laws. */
const kinds = {
  adapter: {
    what: 'adapter method',
    packages: ['adapter', 'tensor'],
    forTests: [],
    external: ['zod'],
    peers: ['@tensorflow/tfjs-core'],
  },
  activation: {
    what: 'activation',
    packages: ['activations'],
    forTests: ['tensor'],
    external: [],
    peers: ['@tensorflow/tfjs-core'],
  },
  dataset: { what: 'dataset', packages: ['datasets'], forTests: [], external: [], peers: [] },
  evaluator: { what: 'evaluator', packages: ['evaluators'], forTests: [], external: [], peers: [] },
};

export const adapter = (tree, options) => pluginPackage(tree, 'adapter', options);
export const activation = (tree, options) => pluginPackage(tree, 'activation', options);
export const dataset = (tree, options) => pluginPackage(tree, 'dataset', options);
export const evaluator = (tree, options) => pluginPackage(tree, 'evaluator', options);

async function pluginPackage(tree, kind, { name, skipInstall = false }) {
  const { what, packages, forTests, external, peers } = kinds[kind];
  const templates = path.join(import.meta.dirname, 'files');
  const names = checkedNames(tree, name, path.join(templates, kind));
  const folder = `packages/${name}`;
  const versionOf = (layer) => `^${readJson(tree, `packages/${layer}/package.json`).version}`;
  const lora = readJson(tree, 'packages/lora/package.json'); // whose ranges of external packages hold here too
  const ours = (layers) => Object.fromEntries(layers.map((layer) => [`@loran/${layer}`, versionOf(layer)]));
  const replaced = {
    ...names,
    what,
    packages,
    forTests,
    dependencies: { ...ours(packages), ...pick(lora.dependencies, external) },
    devDependencies: ours([...forTests, 'testing'].sort()),
    peerDependencies: pick(lora.peerDependencies, peers),
  };
  generateFiles(tree, path.join(templates, 'package'), folder, replaced);
  generateFiles(tree, path.join(templates, kind), folder, replaced);
  tree.write(`${folder}/LICENSE`, tree.read('LICENSE'));
  tree.write(`.changeset/${name}.md`, `---\n'@loran/${name}': minor\n---\n\nThe ${what} ${name}.\n`);

  const layer = `  ${name.includes('-') ? `'${name}'` : name}: ${JSON.stringify([...packages, ...forTests, 'plugin'])},`;
  insertBefore(tree, 'tools/repo/layers.mjs', "  'engine-onnxruntime':", layer);
  insertBefore(tree, 'README.md', '| [`@loran/testing`]', `| [\`@loran/${name}\`](${folder}) | the ${what} ${name} |`);
  updateJson(tree, 'tsconfig.json', (config) => {
    config.references.push({ path: `./${folder}` });
    return config;
  });
  await formatFiles(tree);
  return () => finish(tree.root, skipInstall);
}

function pick(ranges, names) {
  return Object.fromEntries(names.map((name) => [name, ranges[name]]));
}

/** Inserts a line before the first one that begins with `start`. */
function insertBefore(tree, file, start, line) {
  const lines = tree.read(file, 'utf8').split('\n');
  const index = lines.findIndex((each) => each.startsWith(start));
  if (index < 0)
    throw new Error(`${file} has no line that begins with "${start}": add yours by hand and tell the generator`);
  tree.write(file, lines.toSpliced(index, 0, line).join('\n'));
}

/** After the files are written: links the package, and brings the documents up to date. */
function finish(root, skipInstall) {
  const run = (command, ...args) => {
    const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
    if (status !== 0)
      throw new Error(`\`${[command, ...args].join(' ')}\` failed: run it again when its cause is gone`);
  };
  if (!skipInstall) run('npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund');
  run('npx', 'tsx', 'tools/repo/refresh-documents.ts');
}
