/** `npm run loran -- <verb> …`: the command line program from its source, with paths relative to where npm was called. */
import { runFromSource } from './run-from-source.mjs';

runFromSource('packages/cli/src/bin.ts', process.argv.slice(2));
