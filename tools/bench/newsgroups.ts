/**
 * LoRA and LoRAN(sinter) against PEFT's LoRA: MiniLM with mean pooling and a linear head on 3,000 posts of 20 Newsgroups, tested
 * on 1,500. Rank 8, alpha 16, query and value, AdamW 2e-3 falling linearly after 10 steps of warm-up, batches of 32, 128 tokens.
 *
 *   LORAN_TEST_DATA=FOLDER npm run bench:newsgroups -- [--epochs 3] [--seeds 0,1,2] [--methods lora,loran,peft]
 *                                                     [--python python3] [--train 3000] [--test 1500]
 *                                                     [--results FILE]
 *
 * All arms get the same token ids, labels and batches. Each runs in a process of its own, methods in turn for each seed, so that
 * peak memory is its own and a slow hour of the machine meets all. PEFT is left out where Python lacks it.
 * In full it takes two to three hours on 2 slow cores: with --results each outcome is kept as it comes, and a run that was cut
 * off goes on where it stopped.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { comparison, table } from './newsgroups/table.js';
import { pairedDifference } from './newsgroups/compare.js';
import type { Outcome } from './newsgroups/outcome.js';
import { makePlan, writePlan } from './newsgroups/plan.js';
import { Results } from './newsgroups/results.js';
import { machine } from './step/report.js';

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '3' },
    seeds: { type: 'string', default: '0,1,2' },
    methods: { type: 'string', default: 'lora,loran,peft' },
    python: { type: 'string', default: 'python3' },
    train: { type: 'string', default: '3000' },
    test: { type: 'string', default: '1500' },
    results: { type: 'string' },
  },
});
const data = process.env['LORAN_TEST_DATA'];
const methods = values.methods.split(',');
const unknown = methods.filter((method) => !['lora', 'loran', 'peft'].includes(method));

if (data === undefined || data === '') {
  console.error('Set LORAN_TEST_DATA to the folder that holds models/all-minilm-l6-v2 and data/20news.');
  process.exitCode = 1;
} else if (unknown.length > 0) {
  console.error(`Unknown method ${unknown.join(', ')}. Choose from lora, loran, peft.`);
  process.exitCode = 1;
} else {
  await benchmark(data);
}

async function benchmark(data: string): Promise<void> {
  const seeds = values.seeds.split(',').map(Number);
  const folder = mkdtempSync(path.join(tmpdir(), 'loran-newsgroups-'));
  const file = path.join(folder, 'plan.json');
  try {
    const size = { train: Number(values.train), test: Number(values.test) };
    const plan = await makePlan({ data, epochs: Number(values.epochs), seeds, ...size });
    writePlan(file, plan);
    const results = new Results(values.results);
    const outcomes: Outcome[] = [];
    for (const seed of seeds) {
      for (const method of methods.filter((name) => name !== 'peft' || hasPeft())) {
        const kept = results.find(plan, method, seed);
        console.error(`\n${method}, seed ${seed}${kept === undefined ? '' : ' (kept from before)'}`);
        const outcome = kept ?? (await runArm(file, method, seed));
        if (kept === undefined) results.add(plan, outcome);
        outcomes.push(outcome);
      }
    }
    const versions = Object.assign({}, ...outcomes.map((outcome) => outcome.versions)) as Record<string, string>;
    console.log(machine());
    console.log(
      Object.entries(versions)
        .map((entry) => entry.join(' '))
        .join(', '),
    );
    console.log(`${plan.train.length} posts, epochs: ${plan.epochs}, tested on ${plan.test.length}\n`);
    console.log(`${table(outcomes)}\n`);
    compareWithPeft(
      outcomes,
      plan.test.map(({ label }) => label),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compareWithPeft(outcomes: readonly Outcome[], labels: readonly number[]): void {
  const of = (method: string) => outcomes.filter((outcome) => outcome.method === method);
  const peft = of('peft');
  if (peft.length === 0) return;
  for (const [method, name] of [
    ['lora', 'LoRA'],
    ['loran', 'LoRAN(sinter)'],
  ] as const) {
    if (of(method).length === 0) continue;
    const difference = pairedDifference(of(method), peft, labels);
    console.log(comparison(name, difference, of(method), peft));
    if (difference.mean + difference.margin < 0) process.exitCode = 1;
  }
}

function hasPeft(): boolean {
  const { status } = spawnSync(values.python, ['-c', 'import torch, transformers, peft'], { stdio: 'ignore' });
  if (status === 0) return true;
  console.error(
    `PEFT is left out: ${values.python} cannot import torch, transformers and peft. Name another with --python.`,
  );
  return false;
}

async function runArm(plan: string, method: string, seed: number): Promise<Outcome> {
  const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const threads = String(availableParallelism());
  const child =
    method === 'peft'
      ? spawn(values.python, [here('newsgroups_peft.py'), plan, String(seed), threads], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
      : spawn(process.execPath, [...process.execArgv, here('newsgroups/arm.ts'), plan, method, String(seed)], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`The arm ${method}, seed ${seed}, ended with code ${code}.`);
  return JSON.parse(output.trim().split('\n').at(-1)!) as Outcome;
}
