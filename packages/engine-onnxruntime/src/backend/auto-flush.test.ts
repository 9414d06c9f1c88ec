import { expect, test } from 'vitest';
import { AutoFlush, type Scope } from './auto-flush.js';

/** Appends `count` nodes in that stack of scopes; the positions (from 1) at which a flush was due. */
function append(flush: AutoFlush, stack: number[], count: number, living = 1): number[] {
  const scopes: Scope[] = stack.map((id) => ({ id }));
  const cuts: number[] = [];
  for (let i = 1; i <= count; i++) {
    if (!flush.due(scopes, living)) continue;
    cuts.push(i);
    flush.reset();
  }
  return cuts;
}

test('cuts between steps, however their inner scopes lie, with or without a scope around the loop', () => {
  for (const around of [[], [1], [1, 2]]) {
    const flush = new AutoFlush(100);
    const cuts: number[][] = [];
    for (let step = 0; step < 12; step++) {
      const id = 1000 * (step + 1);
      cuts.push([
        ...append(flush, [...around, id], 10),
        ...append(flush, [...around, id, id + 1], 10),
        ...append(flush, [...around, id, id + 2, id + 3], 10),
        ...append(flush, [...around, id], 10),
      ]);
    }
    expect(cuts.map((found) => found.length)).toEqual([0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0]);
    expect(cuts.flat()).toEqual([1, 1, 1]);
  }
});

test('does not cut between a forward pass and its backward pass, whose activations live', () => {
  const flush = new AutoFlush(100);
  expect(append(flush, [1], 90, 60)).toEqual([]);
  expect(append(flush, [2], 90, 60)).toEqual([]);
  expect(append(flush, [3], 10, 3)).toEqual([1]);
});

test('cuts at four times the limit where there is no such place', () => {
  expect(append(new AutoFlush(100), [1], 1000, 500)).toEqual([401, 802]);
});

test('without any scope, every place will do', () => {
  expect(append(new AutoFlush(100), [], 250)).toEqual([101, 202]);
});
