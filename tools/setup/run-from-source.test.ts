/** A program run from its source behaves as if it were the process that was called: arguments, folder, exit code, signals. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
let calls = 0;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'loran-run-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts a TypeScript program by way of `runFromSource`, as npm would from `folder`. */
function start(program: string, ...args: string[]): ChildProcessWithoutNullStreams {
  const entry = path.join(folder, `program-${(calls += 1)}.ts`);
  writeFileSync(entry, `export {};\n${program}`);
  const root = path.resolve(import.meta.dirname, '../..');
  const launcher = `import { runFromSource } from ${JSON.stringify(pathToFileURL(path.join(import.meta.dirname, 'run-from-source.mjs')).href)};
runFromSource(${JSON.stringify(path.relative(root, entry))}, ${JSON.stringify(args)});`;
  // Node warns on stderr where both are set, as they are under Nx on some terminals.
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...environment } = process.env;
  return spawn(process.execPath, ['--input-type=module', '-e', launcher], {
    cwd: root,
    env: { ...environment, INIT_CWD: folder },
  });
}

/** What a program prints to stdout and ends with; `onOutput` is called as text arrives. */
async function finish(child: ChildProcessWithoutNullStreams, onOutput: (text: string) => void = () => {}) {
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    onOutput(output);
  });
  const code = await new Promise((resolve) => child.on('close', (status, signal) => resolve(status ?? signal)));
  return { output, code };
}

test('arguments, the folder npm was called from, the source condition and the exit code reach through', async () => {
  const { output, code } = await finish(
    start(
      `import { LoranError } from '${pathToFileURL(path.resolve(import.meta.dirname, '../../packages/plugin/src/index.ts')).href}';
const { log }: { log: (text: string) => void } = console;
log(JSON.stringify([process.argv.slice(2), process.cwd() === ${JSON.stringify(folder)}, process.execArgv[0], typeof LoranError]));
process.exitCode = 7;`,
      'train',
      '--data',
      'a b.jsonl',
    ),
  );
  expect(JSON.parse(output)).toEqual([
    ['train', '--data', 'a b.jsonl'],
    true,
    '--conditions=@loran/source',
    'function',
  ]);
  expect(code).toBe(7);
});

test('an interrupt that comes twice at once, from the terminal and from npm, is one', async () => {
  const child = start(
    `let seen = 0;
process.on('SIGINT', () => { seen += 1; setTimeout(() => { console.log('interrupts: ' + seen); process.exit(0); }, 500); });
setInterval(() => {}, 1000);
console.log('ready');`,
  );
  let sent = false;
  const { output, code } = await finish(child, (text) => {
    if (sent || !text.includes('ready')) return;
    sent = true;
    child.kill('SIGINT');
    setTimeout(() => child.kill('SIGINT'), 20);
  });
  expect(output).toContain('interrupts: 1');
  expect(code).toBe(0);
});

test('a second interrupt, meant by the user, arrives too', async () => {
  const child = start(
    `let seen = 0;
process.on('SIGINT', () => { seen += 1; console.log('seen ' + seen); if (seen === 2) process.exit(130); });
setInterval(() => {}, 1000);
console.log('ready');`,
  );
  const sent = new Set<string>();
  const { code } = await finish(child, (text) => {
    for (const [mark, delay] of [
      ['ready', 0],
      ['seen 1', 400],
    ] as const) {
      if (!text.includes(mark) || sent.has(mark)) continue;
      sent.add(mark);
      setTimeout(() => child.kill('SIGINT'), delay);
    }
  });
  expect(code).toBe(130);
});

test('a program killed by a signal gives the exit code that shells give', async () => {
  const { code } = await finish(start(`process.kill(process.pid, 'SIGKILL');`));
  expect(code).toBe(137);
});
