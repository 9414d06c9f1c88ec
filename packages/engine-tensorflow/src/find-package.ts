/**
 * Where tfjs-node and tfjs-node-gpu are installed, and whether their addon was built.
 *
 * They are optional peers: looked for when an engine opens, in the folder that the user names, in the project the process was
 * started in, and beside this package.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LoranError } from '@loran/plugin';

export const cpuPackage = '@tensorflow/tfjs-node';
export const gpuPackage = '@tensorflow/tfjs-node-gpu';
export type PackageName = typeof cpuPackage | typeof gpuPackage;

export interface InstalledPackage {
  readonly name: PackageName;
  readonly version: string;
  readonly folder: string;
  /** Whether its addon is there; under `ignore-scripts` npm never builds it. */
  readonly built: boolean;
}

/** The folders whose `node_modules` are searched, first to last. */
export function searchedFolders(modules: string | undefined): readonly string[] {
  const named = modules ?? process.env['LORAN_TENSORFLOW_HOME'];
  const beside = path.dirname(fileURLToPath(import.meta.url));
  return [...(named === undefined || named === '' ? [] : [path.resolve(named)]), process.cwd(), beside];
}

/**
 * The first of `names` that is installed in one of the folders with its addon. Throws PACKAGE_NOT_BUILT when all that is
 * installed lacks the addon, PACKAGE_MISSING when nothing is.
 */
export function findPackage(names: readonly PackageName[], folders: readonly string[]): InstalledPackage {
  const installed = names.flatMap((name) => folders.flatMap((folder) => installedIn(folder, name) ?? []));
  const built = installed.find((found) => found.built);
  if (built !== undefined) return built;
  const unbuilt = installed[0];
  if (unbuilt !== undefined) throw notBuilt(unbuilt);
  throw new LoranError(
    'PACKAGE_MISSING',
    `The engine 'tensorflow' needs ${names.join(' or ')}, and found neither from ${folders.join(', ')}. ` +
      `Install it: npm install ${names[0]} --ignore-scripts=false` +
      `${names.includes(cpuPackage) && names[0] !== cpuPackage ? `, or without CUDA: npm install ${cpuPackage} --ignore-scripts=false` : ''}. ` +
      'A folder elsewhere that has it: createTensorflowEngine({ modules: folder }), or LORAN_TENSORFLOW_HOME.',
  );
}

function installedIn(folder: string, name: PackageName): InstalledPackage | undefined {
  let manifest: string;
  try {
    manifest = createRequire(path.join(folder, 'package.json')).resolve(`${name}/package.json`);
  } catch {
    return undefined;
  }
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const home = path.dirname(manifest);
  return { name, version, folder: home, built: hasAddon(path.join(home, 'lib')) };
}

/** node-pre-gyp keeps an addon a version of Node-API: lib/napi-v8/tfjs_binding.node. */
function hasAddon(lib: string): boolean {
  if (!existsSync(lib)) return false;
  return readdirSync(lib).some((entry) => existsSync(path.join(lib, entry, 'tfjs_binding.node')));
}

function notBuilt({ name, version, folder }: InstalledPackage): LoranError {
  return new LoranError(
    'PACKAGE_NOT_BUILT',
    `${name} ${version} is installed in ${folder}, but its addon was never built: npm was told to ignore install scripts. ` +
      `Build it: npm rebuild ${name} --ignore-scripts=false (it downloads TensorFlow).`,
  );
}
