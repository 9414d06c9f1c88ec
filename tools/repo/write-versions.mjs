/** Writes each package's version into its src/version.ts, after `changeset version` changed the package.json files. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const packages = path.resolve(import.meta.dirname, '../../packages');
for (const folder of readdirSync(packages)) {
  const file = path.join(packages, folder, 'src/version.ts');
  if (!existsSync(file)) continue;
  const { version } = JSON.parse(readFileSync(path.join(packages, folder, 'package.json'), 'utf8'));
  writeFileSync(file, readFileSync(file, 'utf8').replace(/version = '[^']*'/, `version = '${version}'`));
}
