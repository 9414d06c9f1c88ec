#!/usr/bin/env node
/** The `loran` program. Exit code 0 only for success. */
import { main } from './main.js';

process.exitCode = await main(process.argv.slice(2));
