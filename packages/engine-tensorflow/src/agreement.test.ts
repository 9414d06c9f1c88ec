/** The same adapters, trained on TensorFlow and on the default engine, have the same losses. */
import '@tensorflow/tfjs-backend-cpu';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { closeEngine, openEngine, portableEngine, type Engine } from '@loran/tensor';
import { beforeEach, expect, test } from 'vitest';
import { absent, modules } from './__fixtures__/set-up.js';
import { trainAdapters, type Losses } from './__fixtures__/train.js';
import { createTensorflowEngine } from './tensorflow.js';

beforeEach(({ skip }) => {
  if (absent !== undefined) skip(absent);
});

test('LoRA and LoRAN over fp32 and NF4 have the losses of the default engine and of plain tfjs, to 1e-4, for 20 steps', async () => {
  const [own, byDefault] = await Promise.all([lossesOn(createTensorflowEngine({ modules })), onDefaultEngine()]);
  const plain = await lossesOn(portableEngine('cpu'));
  for (const losses of [plain, byDefault]) {
    expect(Object.keys(own)).toEqual(Object.keys(losses));
    for (const [name, values] of Object.entries(own)) {
      expect(values).toHaveLength(20);
      expect(values.at(-1)!).toBeLessThan(0.5 * values[0]!);
      const apart = Math.max(...values.map((value, step) => Math.abs(value - losses[name]![step]!)));
      expect(apart, name).toBeLessThan(1e-4);
    }
  }
}, 300_000);

async function lossesOn(engine: Engine): Promise<Losses> {
  await openEngine(engine, { device: 'cpu' });
  try {
    return await trainAdapters();
  } finally {
    await closeEngine();
  }
}

async function onDefaultEngine(): Promise<Losses> {
  const script = fileURLToPath(new URL('__fixtures__/train-on-default-engine.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@loran/source',
    `--import=${import.meta.resolve('tsx')}`,
    script,
  ]);
  return JSON.parse(stdout) as Losses;
}
