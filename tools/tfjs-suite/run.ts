/**
 * Runs tfjs-core's own test suite, which its npm package ships, against the engine 'onnxruntime'.
 *
 *   node --import tsx tools/tfjs-suite/run.ts [filter]
 *
 * Prints the counts. Exits with 1 on a failure that is not excluded, on an exclusion that is out of date, and when fewer
 * specs pass than `minimumPassed`. With a filter it runs the specs whose name contains it, and prints every failure whole.
 */
import { bundle } from './bundle.js';
import { exclusions } from './exclusions.js';
import { judge, matches, type SpecResult } from './verdict.js';

/** Of 4,227 that run on tfjs's own cpu backend. */
const minimumPassed = 4140;
const timeout = 30_000;

interface JasmineSpec {
  readonly fullName: string;
  readonly status: string;
  readonly failedExpectations: readonly { readonly message: string }[];
}

/** What is used here of the jasmine package, which has no types of its own. */
interface JasmineRunner {
  readonly jasmine: { DEFAULT_TIMEOUT_INTERVAL: number };
  exitOnCompletion: boolean;
  clearReporters(): void;
  addReporter(reporter: { specDone(spec: JasmineSpec): void }): void;
  execute(files: readonly string[], filter?: string): Promise<unknown>;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function runSpecs(file: string, filter: string | undefined): Promise<SpecResult[]> {
  const { default: Jasmine } = (await import('jasmine' as string)) as { default: new () => JasmineRunner };
  const runner = new Jasmine();
  const results: SpecResult[] = [];
  runner.jasmine.DEFAULT_TIMEOUT_INTERVAL = timeout;
  runner.exitOnCompletion = false;
  runner.clearReporters();
  runner.addReporter({
    specDone: ({ fullName, status, failedExpectations }) =>
      void results.push({
        name: fullName.replace(/ onnxruntime \{\}/, ''),
        status,
        message: failedExpectations[0]?.message ?? '',
      }),
  });
  await runner.execute([file], filter);
  return results;
}

const filter = process.argv[2];
const file = await bundle();
const started = performance.now();
const results = await runSpecs(file, filter);
const seconds = (performance.now() - started) / 1000;
const { counts, failures, excluded, stale } = judge(results, filter === undefined ? exclusions : []);

for (const { name, message } of failures)
  print(`FAILED ${name}\n       ${filter === undefined ? message.slice(0, 200) : message}`);
for (const line of stale) print(`STALE  ${line}`);
for (const { spec, reason } of filter === undefined ? exclusions : []) {
  print(`EXCLUDED ${excluded.filter(({ name }) => matches(spec, name)).length} by ${String(spec)}: ${reason}`);
}
const passed = counts['passed'] ?? 0;
print(
  `tfjs-core's suite on onnxruntime: ${passed} passed, ${counts['failed'] ?? 0} failed (${excluded.length} of them excluded ` +
    `with a reason), ${counts['pending'] ?? 0} pending, in ${seconds.toFixed(1)} s.`,
);
const tooFew = filter === undefined && passed < minimumPassed;
if (tooFew) print(`Fewer passed than ${minimumPassed}.`);
process.exit(failures.length > 0 || stale.length > 0 || tooFew ? 1 : 0);
