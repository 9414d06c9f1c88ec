/** The server in a process of its own, for clients in other languages: prints its address, then serves until it is ended. */
import { HubServer } from './hub-server.js';
import { model } from './sample-model.js';

const server = await HubServer.start();
server.add('org/tiny', model);
server.add('datasets/org/rows', { 'data/train.parquet': 'rows', 'README.md': '# Rows\n' });
console.log(server.endpoint);
