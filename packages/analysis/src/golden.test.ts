/** Analyses and reductions against numpy and torch (tools/parity/analysis.py). */
import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine } from '@loran/tensor';
import { lora } from '@loran/lora';
import { expectClose } from '@loran/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { golden, goldenModel } from './__fixtures__/golden.js';
import { analyseAdapter, reduceToLora } from './index.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const { rank, linear, relativeNorm, cases } = golden;
const near = (value: number | null | undefined, expected: number, relative = 1e-4) => {
  expect(Math.abs(value! - expected)).toBeLessThanOrEqual(relative * Math.abs(expected));
};

describe.each(cases)('$activation', ({ activation, ...expected }) => {
  test('the spectrum, and what f changes', async () => {
    const { set } = await goldenModel({ activation });
    const { layers } = await analyseAdapter(set, 'default');
    const [{ update, nonlinearity }] = layers as [(typeof layers)[0]];
    expect(update?.complete).toBe(true);
    expect(update?.beyondRank.rank).toBe(rank);
    near(update?.norm, expected.norm);
    near(update?.stableRank, expected.stableRank);
    near(update?.effectiveRank, expected.effectiveRank);
    near(update?.beyondRank.error, expected.errorBeyond[rank]!, 1e-3);
    near(update?.beyondRank.energy, expected.errorBeyond[rank]! ** 2, 2e-3);
    await expectClose(update!.singularValues.slice(0, 32), expected.singularValues, { absolute: 1e-7 });
    near(nonlinearity?.movement, expected.movement, 1e-3);
    near(nonlinearity?.slope.mean, expected.slope.mean, 1e-3);
    near(nonlinearity?.slope.largest, expected.slope.largest, 2e-3);
    near(nonlinearity?.linear.norm, linear.norm);
    near(nonlinearity?.linear.effectiveRank, linear.effectiveRank, 1e-3);
    for (const place of ['update', 'merged'] as const) {
      for (const type of ['F16', 'BF16'] as const) {
        expect(Math.abs(nonlinearity!.differing[place][type] - expected.differing[place][type])).toBeLessThan(2e-3);
      }
    }
  });

  test('of a large matrix the leading values and the rest are those of the whole', async () => {
    const { set } = await goldenModel({ activation });
    const { layers } = await analyseAdapter(set, 'default', { values: 24, exactUpTo: 100, rank: 16 });
    const update = layers[0]!.update!;
    expect(update.complete).toBe(false);
    expect(update.singularValues).toHaveLength(24);
    await expectClose(update.singularValues, expected.singularValues.slice(0, 24), { absolute: 1e-6, relative: 1e-2 });
    near(update.beyondRank.error, expected.errorBeyond[16]!, 1e-2);
    expect(update.effectiveRank).toBeGreaterThan(expected.effectiveRank * (1 - 1e-4)); // a bound from above, near where little is left
    if (expected.errorBeyond[16]! < 1e-3) near(update.effectiveRank, expected.effectiveRank, 0.01);
  });

  test('the reduction has the error of the best approximation, exact and randomised', async () => {
    const { set } = await goldenModel({ activation });
    for (const [wanted, exactUpTo] of [
      [rank, 256],
      [16, 64],
    ] as const) {
      const options = { methods: [lora], rank: wanted, exactUpTo };
      const { layers, error, adapter } = await reduceToLora(set, 'default', options);
      near(error, expected.errorBeyond[wanted]!, 1e-2);
      expect(layers).toEqual([{ path: 'dense', rank: wanted, error }]);
      set.remove(adapter.name);
    }
  });
});

test('a share of the energy chooses the rank', async () => {
  const { activation, rankHolding } = cases.find((each) => each.activation === 'relu')!;
  const { set } = await goldenModel({ activation });
  for (const [energy, expectedRank] of Object.entries(rankHolding)) {
    const options = { methods: [lora], energy: Number(energy), exactUpTo: 64 };
    const { layers, error, adapter } = await reduceToLora(set, 'default', options);
    expect(layers[0]!.rank).toBe(expectedRank);
    expect(1 - error ** 2).toBeGreaterThanOrEqual(Number(energy) - 1e-6);
    set.remove(adapter.name);
    const most = await reduceToLora(set, 'default', { ...options, rank: 2 });
    expect(most.layers[0]!.rank).toBe(Math.min(2, expectedRank));
    set.remove(most.adapter.name);
  }
});

test('the norm relative to the weight; LoRA has no nonlinearity and nothing beyond its rank', async () => {
  const { set } = await goldenModel({}, lora);
  const { layers, warnings } = await analyseAdapter(set, 'default');
  near(layers[0]!.relativeNorm, relativeNorm);
  near(layers[0]!.update!.norm, linear.norm);
  expect(layers[0]!.nonlinearity).toBeNull();
  expect(layers[0]!.update!.beyondRank.error).toBeLessThan(1e-6);
  expect(warnings).toEqual([]);
});
