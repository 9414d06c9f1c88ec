/**
 * A Vitest reporter that writes what a package's tests came to into .cache/tests.json: counts, and why tests were skipped. The file is
 * an output of the Nx target, so it comes back when Nx takes the run from its cache, and `npm test` can add up all packages.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';

export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  /** Names of skipped tests by reason. */
  readonly skipped: Readonly<Record<string, readonly string[]>>;
}

const unexplained = 'no reason given';

export class TestReportWriter implements Reporter {
  private folder = '';

  onInit(vitest: Vitest): void {
    this.folder = path.join(vitest.config.root, '.cache');
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    // A file that cannot be loaded has no tests, and an error outside tests belongs to none: each counts as one failure.
    let failed =
      errors.length + modules.filter((module) => module.state() === 'failed' && module.errors().length > 0).length;
    let passed = 0;
    const skipped: Record<string, string[]> = {};
    for (const test of modules.flatMap((module) => [...module.children.allTests()])) {
      const result = test.result();
      if (result.state === 'passed') passed += 1;
      else if (result.state === 'failed') failed += 1;
      else
        (skipped[result.state === 'skipped' ? (result.note ?? unexplained) : unexplained] ??= []).push(test.fullName);
    }
    const report: TestReport = { passed, failed, skipped };
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(path.join(this.folder, 'tests.json'), JSON.stringify(report));
  }
}
