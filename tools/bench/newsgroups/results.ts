/**
 * Outcomes kept in a file, a JSON line each, so that a benchmark of hours may be run in pieces. An outcome counts again only
 * for the same plan: ids, labels, batches and settings are part of its key; the version of our code is not, so begin a new file
 * after a change.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Outcome } from './outcome.js';
import type { Plan } from './plan.js';

interface Line {
  readonly key: string;
  readonly outcome: Outcome;
}

export class Results {
  private readonly kept = new Map<string, Outcome>();

  /** @param file - where outcomes are read from and added to; undefined keeps none */
  constructor(private readonly file: string | undefined) {
    if (file === undefined || !existsSync(file)) return;
    for (const text of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const { key, outcome } = JSON.parse(text) as Line;
      this.kept.set(key, outcome);
    }
  }

  find(plan: Plan, method: string, seed: number): Outcome | undefined {
    return this.kept.get(keyOf(plan, method, seed));
  }

  add(plan: Plan, outcome: Outcome): void {
    const key = keyOf(plan, outcome.method, outcome.seed);
    this.kept.set(key, outcome);
    if (this.file !== undefined) appendFileSync(this.file, `${JSON.stringify({ key, outcome } satisfies Line)}\n`);
  }
}

function keyOf(plan: Plan, method: string, seed: number): string {
  const own = { ...plan, model: path.basename(plan.model), batches: plan.batches[String(seed)], method, seed };
  return createHash('sha256').update(JSON.stringify(own)).digest('hex');
}
