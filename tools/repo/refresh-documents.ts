/**
 * Brings up to date what the documents take from elsewhere: the picture of the arrows in README.md, from the package.json files, and
 * every code block under a `<!-- code: … -->` mark.
 *
 *   npx tsx tools/repo/refresh-documents.ts
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { withPicture } from './rules/arrows.js';
import { withCode } from './rules/documents.js';
import { allTexts, readWorkspace } from './workspace.js';

const root = path.resolve(import.meta.dirname, '../..');
const workspace = readWorkspace(root);
const files = new Map(allTexts(workspace));
for (const [file, text] of files) {
  if (!file.endsWith('.md')) continue;
  const refreshed = withCode(file === 'README.md' ? withPicture(text, workspace) : text, files);
  if (refreshed === text) continue;
  writeFileSync(path.join(root, file), refreshed);
  console.log(file);
}
