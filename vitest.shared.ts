/** What every package's Vitest project shares: tests run on the TypeScript source, no build needed. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  ssr: { resolve: { conditions: ['@loran/source'] } },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks', // one process a file: tfjs is global, so is its engine
    // `npm test` adds up the reports of all packages, those that Nx takes from its cache included.
    reporters: ['default', 'json'],
    outputFile: { json: '.cache/tests.json' },
  },
});
