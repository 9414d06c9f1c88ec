/**
 * Bundles tfjs-core's gradient definitions for @loran/tensor.
 *
 * tfjs-core's Node entry registers no gradients, and its modules, which do, cannot be imported by Node (their imports have
 * no extensions). Here they become one module that exports the list of definitions and registers nothing. Whatever
 * tfjs-core exports publicly is imported from it; only the rest (a few backward-only ops) is copied into the bundle.
 *
 *   node tools/gradients/bundle.mjs      writes packages/tensor/generated/tfjs-gradients.mjs and its .d.mts
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as tf from '@tensorflow/tfjs-core';

const root = fileURLToPath(new URL('../..', import.meta.url));
const core = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-core/package.json')),
  'dist',
);
const target = path.join(root, 'packages/tensor/generated');
const namespaces = ['', 'util', 'backend_util', 'slice_util', 'broadcast_util'];

/** How tfjs-core exports `name` publicly: 'tf.mul', 'tf.util.parseAxisParam', or nothing. */
function publicName(name) {
  for (const namespace of namespaces) {
    const holder = namespace === '' ? tf : tf[namespace];
    if (holder !== undefined && name in holder) return namespace === '' ? `tf.${name}` : `tf.${namespace}.${name}`;
  }
  return undefined;
}

/** Names that a module of tfjs-core exports, those of `export * from` included. */
async function exportedNames(file) {
  const source = await readFile(file, 'utf8');
  const own = [...source.matchAll(/^export (?:async )?(?:const|let|function\*?|class) (\w+)/gm)].map(
    (match) => match[1],
  );
  const listed = [...source.matchAll(/^export \{([^}]*)\}/gm)].flatMap((match) =>
    match[1].split(',').map((name) =>
      name
        .trim()
        .split(/\s+as\s+/)
        .at(-1),
    ),
  );
  const starred = [...source.matchAll(/^export \* from '(.+)'/gm)].map((match) =>
    exportedNames(path.resolve(path.dirname(file), `${match[1]}.js`)),
  );
  return [...own, ...listed, ...(await Promise.all(starred)).flat()];
}

const publicWherePossible = {
  name: 'public-where-possible',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\.?\// }, async ({ path: specifier, resolveDir }) => {
      const file = path.resolve(resolveDir, `${specifier}.js`);
      if (file.startsWith(path.join(core, 'gradients'))) return { path: file };
      if (file === path.join(core, 'engine.js')) return { path: 'engine.js', namespace: 'tfjs-core' };
      const names = await exportedNames(file);
      const found = names.length > 0 && names.every((name) => publicName(name) !== undefined);
      return found ? { path: path.relative(core, file), namespace: 'public', pluginData: names } : { path: file };
    });
    bundler.onLoad({ filter: /.*/, namespace: 'public' }, ({ pluginData: names }) => ({
      contents: `import * as tf from '@tensorflow/tfjs-core';\n${names
        .map((name) => `export const ${name} = ${publicName(name)};`)
        .join('\n')}`,
      resolveDir: root,
    }));
    bundler.onLoad({ filter: /.*/, namespace: 'tfjs-core' }, () => ({
      contents: `import * as tf from '@tensorflow/tfjs-core';\nexport const ENGINE = tf.engine();`,
      resolveDir: root,
    }));
  },
};

const registration = await readFile(path.join(core, 'register_all_gradients.js'), 'utf8');
const definitions = [...registration.matchAll(/import \{ (\w+) \} from '(\.\/gradients\/\w+)'/g)];
if (definitions.length < 100)
  throw new Error(`tfjs-core registers ${definitions.length} gradients; over 100 were expected`);

await mkdir(target, { recursive: true });
await build({
  stdin: {
    contents: [
      ...definitions.map(([, name, module]) => `import { ${name} } from '${module}';`),
      `export const gradients = [${definitions.map(([, name]) => name).join(', ')}];`,
    ].join('\n'),
    resolveDir: core,
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  external: ['@tensorflow/tfjs-core'],
  legalComments: 'eof', // the licence of the copied parts
  outfile: path.join(target, 'tfjs-gradients.mjs'),
  plugins: [publicWherePossible],
  logLevel: 'warning',
});
await writeFile(
  path.join(target, 'tfjs-gradients.d.mts'),
  `import type { GradConfig } from '@tensorflow/tfjs-core';\n\nexport declare const gradients: readonly GradConfig[];\n`,
);
