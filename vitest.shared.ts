/** What every package's Vitest project shares: tests run on the TypeScript source, no build needed. */
import { defineConfig } from 'vitest/config';
import { TestReportWriter } from './tools/setup/test-report.js';

export default defineConfig({
  ssr: { resolve: { conditions: ['@loran/source'] } },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a test starts prints plain text, although Nx asks its tasks for colours.
    env: { FORCE_COLOR: '0' },
    pool: 'forks', // one process a file: tfjs is global, so is its engine
    reporters: ['default', new TestReportWriter()],
  },
});
