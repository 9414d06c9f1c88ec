/**
 * The training step against the rate of its own matrix products: `npm run bench:step -- [--layers 6,30] [--rounds 9] [--vocabulary N] [--threads N]`.
 *
 * By default 6 layers with 8,192 words and 30 layers with 49,152 words (the shape of SmolLM2-135M). Each configuration runs in a
 * process of its own, so that its peak memory is its own. Results go to stdout.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { openEngine } from '@loran/tensor';
import { createOnnxruntimeEngine } from '@loran/engine-onnxruntime';
import { measure } from './step/measure.js';
import { machine, report } from './step/report.js';

const { values } = parseArgs({
  options: {
    layers: { type: 'string', default: '6,30' },
    rounds: { type: 'string', default: '9' },
    vocabulary: { type: 'string' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
});
const layers = values.layers.split(',').map(Number);

if (layers.length > 1) {
  for (const count of layers) {
    const same = process.argv.slice(2).filter((_, i, all) => all[i] !== '--layers' && all[i - 1] !== '--layers');
    const options = [...process.execArgv, fileURLToPath(import.meta.url), ...same, '--layers', String(count)];
    const { status } = spawnSync(process.execPath, options, { stdio: 'inherit' });
    if (status !== 0) process.exitCode = status ?? 1;
  }
} else {
  const [count = 6] = layers;
  const engine = await openEngine(createOnnxruntimeEngine({ sessions: 64 }), {
    device: 'cpu',
    threads: Number(values.threads),
  });
  const figures = await measure(
    engine,
    {
      layers: count,
      width: 576,
      heads: 9,
      hidden: 1536,
      vocabulary: Number(values.vocabulary ?? (count > 6 ? 49_152 : 8_192)),
      rank: 8,
      batch: 4,
      time: 256,
    },
    Number(values.rounds),
  );
  console.log(machine());
  console.log(report(figures));
  await engine.close();
}
