#!/usr/bin/env node
/** The `loran` program. Exit code 0 only for success. */
import { main } from './main.js';

// Whoever reads the results may stop early, as `head` does: then this ends as programs do that SIGPIPE ends.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(141);
});

process.exitCode = await main(process.argv.slice(2));
