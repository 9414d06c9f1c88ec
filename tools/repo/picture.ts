/** Draws the arrows between the packages into README.md, from their package.json files: `npx tsx tools/repo/picture.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { picture, pictureMarks } from './rules/arrows.js';
import { readWorkspace } from './workspace.js';

const root = path.resolve(import.meta.dirname, '../..');
const file = path.join(root, 'README.md');
const [before, rest] = readFileSync(file, 'utf8').split(pictureMarks[0]);
const after = rest?.split(pictureMarks[1])[1];
if (before === undefined || after === undefined)
  throw new Error(`README.md lacks the marks ${pictureMarks.join(' and ')}`);
writeFileSync(file, `${before}${pictureMarks[0]}\n\n${picture(readWorkspace(root))}\n\n${pictureMarks[1]}${after}`);
