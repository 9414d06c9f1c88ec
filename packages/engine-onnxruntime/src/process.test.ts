/** What only a whole process can show: peak memory, flat memory over many steps, and the end of the process. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

/** Runs a fixture in a process of its own; its output once it has ended by itself. */
async function run(fixture: string, ...args: string[]): Promise<string> {
  const file = fileURLToPath(new URL(`__fixtures__/${fixture}.ts`, import.meta.url));
  const options = ['--conditions=@loran/source', '--import', 'tsx', file, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, options, { timeout: 100_000 });
  return stdout.trim();
}

describe('memory', { timeout: 120_000 }, () => {
  test('weights dequantised in the graph are not all there at once when each is tied to its input', async () => {
    const tied = Number(await run('dequantised-chain', 'tied'));
    const untied = Number(await run('dequantised-chain', 'untied'));
    expect(untied).toBeGreaterThan(48 * 4); // all of them: what the tie is for
    expect(tied).toBeLessThan(64);
  });

  test('2,000 training steps leave it where it was', async () => {
    const [early, middle, late] = JSON.parse(await run('training-steps')) as {
      tensors: number;
      sessions: number;
      residentMiB: number;
    }[];
    expect(middle?.tensors).toBe(early?.tensors);
    expect(late?.tensors).toBe(early?.tensors);
    expect(late?.sessions).toBe(early?.sessions);
    expect((late?.residentMiB ?? NaN) - (middle?.residentMiB ?? NaN)).toBeLessThan(24);
  });
});

test('a process that never closes the engine ends by itself', async () => {
  expect(await run('never-closed')).toBe(String(512 * 512));
}, 60_000);
