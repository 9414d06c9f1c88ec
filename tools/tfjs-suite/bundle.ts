/**
 * Bundles `entry.mjs` with esbuild into node_modules/.cache and returns the file.
 */
import { build, type Plugin } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const workspace = fileURLToPath(new URL('../../', import.meta.url));

export async function bundle(): Promise<string> {
  const outfile = join(workspace, 'node_modules/.cache/loran/tfjs-suite/suite.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('entry.mjs', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@loran/source'],
    mainFields: ['module', 'main'], // tfjs-core's module sources, which the tests import too
    ignoreAnnotations: true, // tfjs-core says that its tests have no side effects
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
    plugins: [sourceUrls],
  });
  return outfile;
}

/** Modules of ours find files beside themselves by `import.meta.url`, which in a bundle would be the bundle's. */
const sourceUrls: Plugin = {
  name: 'source-urls',
  setup(builder) {
    builder.onLoad({ filter: /\/packages\/[^/]+\/src\/.*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: source.replaceAll('import.meta.url', url), loader: 'ts' };
    });
  },
};
