import '@tensorflow/tfjs-backend-cpu';
import { openEngine, portableEngine, randomStream } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { lowRankFactors } from './low-rank-factors.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const context = { path: 'block.query', random: randomStream(3) };
const linear = { kind: 'linear', rows: 30, columns: 64 } as const;
const embedding = { kind: 'embedding', rows: 30, columns: 16 } as const;

describe('the factors of a linear weight', () => {
  test('Kaiming: A fills ±1/√in evenly, B is zero', async () => {
    const { A, B } = lowRankFactors(linear, { rank: 16, init: 'kaiming' }, context);
    expect([A.shape, B.shape]).toEqual([
      [16, 64],
      [30, 16],
    ]);
    const a = await A.data<'float32'>();
    expect(Math.max(...a)).toBeLessThan(1 / 8);
    expect(Math.max(...a)).toBeGreaterThan(0.97 / 8);
    expect(Math.min(...a)).toBeLessThan(-0.97 / 8);
    expect((await B.data()).every((b) => b === 0)).toBe(true);
  });

  test('Gaussian: A has the deviation 1/rank', async () => {
    const { A } = lowRankFactors(linear, { rank: 16, init: 'gaussian' }, context);
    const a = await A.data<'float32'>();
    const deviation = Math.sqrt(a.reduce((sum, value) => sum + value ** 2, 0) / a.length);
    expect(deviation * 16).toBeGreaterThan(0.93); // 1024 numbers: a standard error of 0.022
    expect(deviation * 16).toBeLessThan(1.07);
  });

  test('the same path gives the same numbers, another path others', async () => {
    const make = (path: string) =>
      lowRankFactors(linear, { rank: 2, init: 'kaiming' }, { path, random: randomStream(3).derive(path) }).A.data();
    expect(await make('a')).toEqual(await make('a'));
    expect(await make('a')).not.toEqual(await make('b'));
  });
});

test('those of an embedding are of the transposed weight, as PEFT keeps them', async () => {
  const { A, B, product } = lowRankFactors(embedding, { rank: 4, init: 'kaiming' }, context);
  expect([A.shape, B.shape, product().shape]).toEqual([
    [4, 30],
    [16, 4],
    [30, 16],
  ]);
  expect((await A.data()).every((a) => a === 0)).toBe(true);
  expect((await B.data()).some((b) => b !== 0)).toBe(true);
});

test.each([0, -1, 2.5, NaN, 31])('rank %d is refused, naming the layer and the limit', (rank) => {
  const make = () => lowRankFactors(linear, { rank, init: 'kaiming' }, context);
  expect(make).toThrow(expect.objectContaining({ code: 'INVALID_RANK' }));
  expect(make).toThrow(/'block.query' is .*\[30, 64\].*from 1 to 30/);
});
