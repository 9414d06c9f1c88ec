/** The quickstart itself, on a few of its e-mails and for two steps an arm. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { quickstart } from './main.js';
import { prepareQuickstart } from './src/prepare-quickstart.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'loran-quickstart-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function few(file: string, count: number): Promise<string> {
  const lines = (await readFile(file, 'utf8')).split('\n').slice(0, count);
  const target = path.join(folder, path.basename(file));
  await writeFile(target, lines.join('\n'));
  return target;
}

test('trains all four arms and writes an adapter of each', { timeout: 300_000 }, async () => {
  const mails = await prepareQuickstart();
  const output = path.join(folder, 'runs');
  const report = await quickstart({
    steps: 2,
    output,
    data: { train: await few(mails.train, 64), test: await few(mails.test, 24) },
  });
  expect(report.arms.map(({ arm }) => arm)).toEqual(['linear probe', 'LoRA', 'QLoRA', 'LoRAN(sinter), NF4']);
  for (const { runs, metrics } of report.arms) {
    expect(runs[0]).toMatchObject({ examples: 24, steps: 2, labels: ['ham', 'spam'] });
    expect(metrics.accuracy?.mean).toBeGreaterThan(0);
    const config = await readFile(path.join(runs[0]?.folder ?? '', 'adapter_config.json'), 'utf8');
    expect(config).toContain('"modules_to_save": [\n    "classifier"\n  ]');
  }
  const [probe, low, quantised, nonlinear] = report.arms.map(({ runs }) => runs[0]);
  expect(probe?.parameters.trainable).toBe(2 * 384 + 2);
  expect(low?.parameters.trainable).toBe(2 * 384 + 2 + 12 * 8 * (384 + 384));
  expect(nonlinear?.parameters.trainable).toBe(low?.parameters.trainable);
  expect(quantised?.baseBytes).toBeLessThan((low?.baseBytes ?? 0) * 0.7);
});
