/** Outcomes kept in a file come back for the same plan, and for no other. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Outcome } from './outcome.js';
import type { Plan } from './plan.js';
import { Results } from './results.js';

const plan = { model: '/a/minilm', epochs: 3, batches: { 0: [[[1, 2]]], 1: [[[2, 1]]] } } as unknown as Plan;
const outcome = { method: 'lora', seed: 0, predictions: [1, 2] } as unknown as Outcome;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'loran-results-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('an outcome is found again by a later run, wherever the model lies', () => {
  const file = path.join(folder, 'outcomes.jsonl');
  new Results(file).add(plan, outcome);
  const later = new Results(file);
  expect(later.find({ ...plan, model: '/b/minilm' }, 'lora', 0)).toEqual(outcome);
  expect(later.find(plan, 'lora', 1)).toBeUndefined();
  expect(later.find(plan, 'loran', 0)).toBeUndefined();
  expect(later.find({ ...plan, epochs: 1 }, 'lora', 0)).toBeUndefined();
});

test('without a file nothing is kept', () => {
  new Results(undefined).add(plan, outcome);
  expect(new Results(undefined).find(plan, 'lora', 0)).toBeUndefined();
});
