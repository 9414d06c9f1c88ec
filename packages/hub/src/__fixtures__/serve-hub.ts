/**
 * The server in a process of its own, for other packages and languages: `serve-hub.ts [NAME=FOLDER …]` serves the files of each
 * folder under its name, beside the sample repositories; it prints its address, then serves until it is ended.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { HubServer } from './hub-server.js';
import { model } from './sample-model.js';

const server = await HubServer.start();
server.add('org/tiny', model);
server.add('datasets/org/rows', { 'data/train.parquet': 'rows', 'README.md': '# Rows\n' });
for (const argument of process.argv.slice(2)) {
  const [name = '', folder = ''] = argument.split('=');
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  server.add(name, Object.fromEntries(files.map((file) => [file.name, readFileSync(path.join(folder, file.name))])));
}
console.log(server.endpoint);
