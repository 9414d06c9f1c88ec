import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketBatches } from './bucket-batches.js';
import { collect, inMemory, shuffle, take, type Dataset } from './dataset.js';
import { padBatch } from './pad-batch.js';
import { permutation } from './permutation.js';
import { split } from './split.js';

describe('permutation', () => {
  test('is a permutation, and depends on count, seed and epoch alone', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.maxSafeInteger(), fc.nat(1000), (count, seed, epoch) => {
        const order = permutation(count, { seed, epoch });
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
        expect(permutation(count, { seed, epoch })).toEqual(order);
      }),
    );
  });

  test('equals tools/parity/permutation.py: a changed order would break runs that resume', () => {
    expect([...permutation(10, { seed: 0 })]).toEqual([0, 3, 2, 5, 9, 4, 6, 1, 8, 7]);
    expect([...permutation(10, { seed: 0, epoch: 1 })]).toEqual([4, 3, 7, 2, 1, 0, 9, 5, 6, 8]);
    expect([...permutation(10, { seed: 2 ** 40 + 1 })]).toEqual([1, 6, 8, 7, 9, 2, 3, 4, 0, 5]);
  });

  test('all orders are equally likely, over seeds and over epochs (chi-square, 23 degrees of freedom)', () => {
    for (const key of [
      (trial: number) => ({ seed: trial }),
      (trial: number) => ({ seed: 5, epoch: trial }),
      (trial: number) => ({ seed: trial * 2 ** 32 }),
    ]) {
      const trials = 24_000;
      const counts = new Map<string, number>();
      for (let trial = 0; trial < trials; trial++) {
        const order = permutation(4, key(trial)).join();
        counts.set(order, (counts.get(order) ?? 0) + 1);
      }
      const expected = trials / 24;
      const statistic = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      expect(counts.size).toBe(24);
      expect(statistic).toBeLessThan(49.7); // the 99.9 % quantile
    }
  });

  test('refuses seeds that are not whole numbers', () => {
    expect(() => permutation(3, { seed: 0.5 })).toThrow('seed is 0.5. Expected a whole number within ±2^53.');
    expect(() => permutation(3, { seed: 1, epoch: Number.NaN })).toThrow(/epoch is NaN/);
  });
});

describe('a dataset', () => {
  const numbers = inMemory('numbers', [0, 1, 2, 3, 4]);

  test('can be read again, taken from and shuffled', async () => {
    expect(await collect(numbers)).toEqual([0, 1, 2, 3, 4]);
    expect(await collect(numbers)).toEqual([0, 1, 2, 3, 4]);
    expect(await collect(take(numbers, 2))).toEqual([0, 1]);
    expect(take(numbers, 9).size).toBe(5);
    expect(await collect(take(numbers, 0))).toEqual([]);
    const shuffled = shuffle(numbers, { seed: 1 });
    expect(await collect(shuffled)).toEqual([...permutation(5, { seed: 1 })]);
    expect(await collect(take(shuffled, 2))).toEqual([...permutation(5, { seed: 1 })].slice(0, 2));
  });

  test('take reads no further than it must', async () => {
    let read = 0;
    const counting: Dataset<number> = {
      name: 'counting',
      async *examples() {
        for (;;) yield read++;
      },
    };
    expect(await collect(take(counting, 3))).toEqual([0, 1, 2]);
    expect(read).toBe(3);
    expect(take(counting, 3)).not.toHaveProperty('size');
  });
});

describe('split', () => {
  const examples = Array.from({ length: 100 }, (_, index) => ({ index, label: index < 90 ? 'common' : 'rare' }));

  test('parts are disjoint, complete, in order, and the same for the same seed', () => {
    const { train, test: held } = split(examples, { test: 0.2, seed: 3 });
    expect([train.length, held.length]).toEqual([80, 20]);
    expect([...train, ...held].sort((a, b) => a.index - b.index)).toEqual(examples);
    expect(held.map(({ index }) => index)).toEqual(held.map(({ index }) => index).sort((a, b) => a - b));
    expect(split(examples, { test: 20, seed: 3 }).test).toEqual(held);
    expect(split(examples, { test: 0.2, seed: 4 }).test).not.toEqual(held);
  });

  test('stratified, every class keeps its share to within one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 4, maxLength: 200 }),
        fc.double({ min: 0.3, max: 0.7, noNaN: true }),
        fc.nat(),
        (labels, share, seed) => {
          const { train, test: held } = split(labels, { test: share, seed, stratify: (label) => label });
          expect(train.length + held.length).toBe(labels.length);
          expect(held.length).toBe(Math.round(share * labels.length));
          for (const label of new Set(labels)) {
            const exact = (held.length * labels.filter((other) => other === label).length) / labels.length;
            expect(Math.abs(held.filter((other) => other === label).length - exact)).toBeLessThan(1);
          }
        },
      ),
    );
    expect(
      split(examples, { test: 0.2, seed: 0, stratify: ({ label }) => label }).test.filter(
        ({ label }) => label === 'rare',
      ),
    ).toHaveLength(2);
  });

  test.each([0, 1, -0.5, 100, 0.001, Number.NaN])('test: %d leaves a part empty', (share) => {
    const few = share === 1 ? [0] : examples;
    expect(() => split<unknown>(few, { test: share, seed: 0 })).toThrow(/leaves a part empty/);
  });
});

describe('bucketBatches', () => {
  const lengths = Array.from({ length: 1000 }, (_, index) => 1 + ((index * 7919) % 128));

  test('every example comes once, in full batches but one, with few shapes and little padding', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 64 }),
        fc.nat(),
        (lengths, batchSize, bucketWidth, epoch) => {
          const batches = bucketBatches(lengths, { batchSize, bucketWidth, seed: 1, epoch });
          expect(batches.flatMap(({ indices }) => indices).sort((a, b) => a - b)).toEqual(
            lengths.map((_, index) => index),
          );
          expect(batches.filter(({ indices }) => indices.length < batchSize).length).toBeLessThanOrEqual(1);
          for (const { indices, length } of batches) {
            const longest = Math.max(...indices.map((index) => lengths[index]!));
            expect(length % bucketWidth).toBe(0);
            expect(length - longest).toBeLessThan(Math.max(bucketWidth, 1) + (longest === 0 ? 1 : 0));
          }
        },
      ),
    );
    const batches = bucketBatches(lengths, { batchSize: 32, seed: 0 });
    expect(new Set(batches.map(({ indices, length }) => `${indices.length}x${length}`)).size).toBeLessThanOrEqual(5); // 4 buckets, 1 rest
    const padded = batches.reduce((sum, { indices, length }) => sum + indices.length * length, 0);
    const real = lengths.reduce((sum, length) => sum + length, 0);
    expect(real / padded).toBeGreaterThan(0.75); // uniform lengths to 128: unbucketed batches would hold about 0.5
  });

  test('an epoch follows from seed and epoch alone; epochs differ in batches and in their order', () => {
    const at = (epoch: number) => bucketBatches(lengths, { batchSize: 32, seed: 0, epoch });
    expect(at(3)).toEqual(at(3));
    expect(at(3)).not.toEqual(at(4));
    const byLength = at(0).map(({ length }) => length);
    expect(byLength).not.toEqual([...byLength].sort((a, b) => a - b));
  });

  test('maxLength bounds the padding and refuses longer examples', () => {
    expect(bucketBatches([100], { batchSize: 1, seed: 0, bucketWidth: 64, maxLength: 100 })[0]!.length).toBe(100);
    expect(() => bucketBatches([101], { batchSize: 1, seed: 0, maxLength: 100 })).toThrow(
      'example 0 has 101 tokens. Expected at most maxLength (100). Truncate the token ids first.',
    );
  });

  test('refuses sizes that are not whole numbers above 0', () => {
    expect(() => bucketBatches([1], { batchSize: 0, seed: 0 })).toThrow(/batchSize is 0/);
    expect(() => bucketBatches([1], { batchSize: 1, seed: 0, bucketWidth: 1.5 })).toThrow(/bucketWidth is 1\.5/);
    expect(() => bucketBatches([0.5], { batchSize: 1, seed: 0 })).toThrow(/example 0 has 0\.5 tokens/);
  });
});

describe('padBatch', () => {
  test('pads on the right, with a mask', () => {
    expect(padBatch([[5, 6, 7], [8]], { padId: 1 })).toEqual({
      ids: Int32Array.of(5, 6, 7, 8, 1, 1),
      mask: Int32Array.of(1, 1, 1, 1, 0, 0),
      shape: [2, 3],
    });
    expect(padBatch([Int32Array.of(5)], { padId: 0, multipleOf: 4 }).shape).toEqual([1, 4]);
    expect(padBatch([[]], { padId: 0 }).shape).toEqual([1, 1]);
    expect(padBatch([[1, 2]], { padId: 0, length: 6 }).ids).toEqual(Int32Array.of(1, 2, 0, 0, 0, 0));
  });

  test('refuses nothing, and rows that do not fit', () => {
    expect(() => padBatch([], { padId: 0 })).toThrow(/no rows to pad/);
    expect(() => padBatch([[1, 2, 3]], { padId: 0, length: 2 })).toThrow('a row has 3 tokens. Expected at most 2.');
  });
});
