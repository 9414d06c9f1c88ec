/** `npm start`: the quickstart from its source. Options go after `--`: `npm start -- --full` trains with three seeds. */
import { runFromSource } from './run-from-source.mjs';

runFromSource('examples/quickstart/main.ts', process.argv.slice(2));
