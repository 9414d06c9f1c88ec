/** What shells and editors are given. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configurationKinds } from '@loran/experiments';
import { expect, test } from 'vitest';
import { run } from './__fixtures__/run.js';

test.each(configurationKinds)('the schema of %s in the package is the one of the program', async (kind) => {
  const file = fileURLToPath(new URL(`../schema/${kind}.json`, import.meta.url));
  const { out } = await run('schema', kind); // after a change: npm run loran -- schema KIND > packages/cli/schema/KIND.json
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(out));
});

/** What bash offers for a line, the cursor at its end. */
async function offered(...words: string[]): Promise<string[]> {
  const { out } = await run('completion', 'bash');
  const script = `${out}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _loran; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout.split('\n').filter((word) => word !== '');
}

const bash = spawnSync('bash', ['-c', 'true']).status === 0;

test.skipIf(!bash)('bash completes verbs, flags and their values (skipped where there is no bash)', async () => {
  expect(await offered('loran', 'tr')).toEqual(['train']);
  expect(await offered('loran', 'train', '--learn')).toEqual(['--learning-rate']);
  expect(await offered('loran', 'train', '--schedule', 'c')).toEqual(['cosine', 'constant']);
  expect(await offered('loran', 'inspect', '--schedule')).toEqual([]);
});

test.each(['zsh', 'fish'])('%s is told every verb', async (shell) => {
  const { out } = await run('completion', shell);
  for (const verb of ['train', 'evaluate', 'generate', 'inspect', 'list', 'schema']) expect(out).toContain(verb);
  expect(out).toContain('learning-rate');
});

test.skipIf(!bash)(
  'a reader that stops early ends the program without a word (skipped where there is no bash)',
  () => {
    const program = fileURLToPath(new URL('bin.ts', import.meta.url));
    const node = `'${process.execPath}' --conditions=@loran/source --import tsx '${program}'`;
    const { stderr, stdout } = spawnSync('bash', ['-c', `${node} schema train | true; echo "\${PIPESTATUS[0]}"`], {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('..', import.meta.url)), // from where tsx is found
    });
    expect(stderr).toBe('');
    expect(stdout).toBe('141\n');
  },
  60_000,
);
