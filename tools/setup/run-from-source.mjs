/**
 * Runs a TypeScript program of the workspace straight from its source, as if it were this process: same terminal, same exit code,
 * same signals.
 *
 * Ctrl-C in a terminal reaches every process of the foreground group, and npm sends what it gets on to its child once more. A program
 * that stops gently at the first interrupt and at once at the second would see both. So the program runs in a group of its own, and
 * this process hands each interrupt on a single time.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const echo = 300; // milliseconds within which a second signal is npm's copy of the first

/**
 * @param {string} entry the program, relative to the workspace
 * @param {readonly string[]} args
 */
export function runFromSource(entry, args) {
  const child = spawn(
    process.execPath,
    ['--conditions=@loran/source', `--import=${import.meta.resolve('tsx')}`, path.join(root, entry), ...args],
    // npm changes into the workspace; paths on the command line are meant from where npm was called.
    { cwd: process.env.INIT_CWD ?? process.cwd(), stdio: 'inherit', detached: process.platform !== 'win32' },
  );

  const last = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const now = performance.now();
      if (now - (last.get(signal) ?? -Infinity) > echo) child.kill(signal);
      last.set(signal, now);
    });
  }
  if (process.platform !== 'win32') {
    process.on('SIGTSTP', () => {
      child.kill('SIGSTOP');
      process.kill(process.pid, 'SIGSTOP');
    });
    process.on('SIGCONT', () => child.kill('SIGCONT'));
  }

  child.on('error', (error) => {
    console.error(`Cannot start ${entry}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
