/**
 * Memory predicted by `lab.estimate` against the highest resident set of the same training: `npm run bench:memory -- [--only TEXT] [--raw]`.
 *
 * Each prediction and each training has a process of its own. Weights and texts are random, which changes no size.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { standardActivations } from '@loran/activations';
import { createLab, type Lab, type MemoryEstimate } from '@loran/experiments';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { nf4 } from '@loran/qlora';
import { type Configuration, configurations } from './memory/configurations.js';
import { trainedBytes } from './memory/train.js';
import { machine } from './step/report.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    raw: { type: 'boolean', default: false },
    child: { type: 'string' },
    folder: { type: 'string', default: '' },
  },
});
const labelOf = ({ name, base, method, rank, dropout, targetModules = '', optimizer, ...batch }: Configuration) =>
  [
    name,
    base,
    method,
    `r ${rank}`,
    dropout ? `dropout ${dropout}` : '',
    targetModules,
    optimizer === 'adamw' ? '' : optimizer,
  ]
    .filter(Boolean)
    .join(', ') + `, ${batch.batchSize} × ${batch.maxLength}`;

if (values.child !== undefined) await child(values.child, values.folder);
else compare();

/** Prints one JSON value. */
async function child(what: string, folder: string): Promise<void> {
  const [part = '', index = ''] = what.split(':');
  const configuration = configurations[Number(index)]!;
  const lab = createLab().use(lora, loran, nf4, ...standardActivations);
  const found =
    part === 'estimate' ? await predicted(lab, folder, configuration) : await trainedBytes(lab, folder, configuration);
  console.log(JSON.stringify(found));
}

function predicted(lab: Lab, model: string, configuration: Configuration): Promise<MemoryEstimate> {
  const { base, method, rank, dropout, targetModules, task, batchSize, maxLength, optimizer } = configuration;
  return lab.estimate({
    ...{ model, task, base },
    adapter: { method, rank, ...(dropout === undefined ? {} : { dropout }), ...(targetModules && { targetModules }) },
    training: { batchSize, maxLength, optimizer },
  });
}

function compare(): void {
  console.log(machine());
  console.log('| training | predicted MB | used MB | error |\n| --- | ---: | ---: | ---: |');
  const errors: number[] = [];
  for (const [i, configuration] of configurations.entries()) {
    const label = labelOf(configuration);
    if (!label.includes(values.only)) continue;
    const folder = mkdtempSync(path.join(tmpdir(), 'loran-memory-'));
    try {
      writeFileSync(path.join(folder, 'config.json'), JSON.stringify(configuration.model));
      const run = (part: string): unknown => {
        const own = [fileURLToPath(import.meta.url), '--child', `${part}:${i}`, '--folder', folder];
        const output = execFileSync(process.execPath, [...process.execArgv, ...own], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        return JSON.parse(output.trim().split('\n').at(-1)!);
      };
      const estimate = run('estimate') as MemoryEstimate;
      const used = run('train') as number;
      const error = estimate.peakBytes / used - 1;
      errors.push(Math.abs(error));
      if (values.raw) console.error(JSON.stringify({ label, used, ...estimate }));
      const megabytes = (bytes: number) => Math.round(bytes / 1e6).toLocaleString('en-US');
      console.log(
        `| ${label} | ${megabytes(estimate.peakBytes)} | ${megabytes(used)} | ${(100 * error).toFixed(1)} % |`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  console.log(`Largest error ${(100 * Math.max(...errors)).toFixed(1)} %, mean ${(100 * mean).toFixed(1)} %.`);
}
