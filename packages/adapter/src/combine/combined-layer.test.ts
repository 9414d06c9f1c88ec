import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { readFile } from 'node:fs/promises';
import { openEngine, portableEngine, type RandomStream } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AdapterLayer } from '../contract/adapter-method.js';
import { combinations, type CombinationType } from './combination-type.js';
import { combinedLayer, type Part } from './combined-layer.js';
import type { Election } from './consensus.js';

interface Golden {
  readonly adapters: Record<
    string,
    { rank: number; alpha: number; layers: Record<string, { A: number[]; B: number[] }> }
  >;
  readonly cases: readonly {
    readonly combination_type: CombinationType;
    readonly adapters: readonly string[];
    readonly weights: readonly number[];
    readonly density?: number;
    readonly majority_sign_method?: Election;
    readonly svd_rank?: number;
    readonly layers: Record<string, { rank: number; A?: number[]; B?: number[]; product?: number[] }>;
  }[];
}

const file = new URL('../__fixtures__/combine.json', import.meta.url);
const golden = JSON.parse(await readFile(file, 'utf8')) as Golden;
const modules = {
  tokens: { kind: 'embedding', rows: 9, columns: 6 },
  dense: { kind: 'linear', rows: 5, columns: 6 },
  head: { kind: 'linear', rows: 4, columns: 5 },
} as const;

/** Draws that keep elements 0, 2 and 4 of every 5, as those of the golden cases do. */
const pattern: RandomStream = {
  derive: () => pattern,
  at: (i: number) => ((i % 5) % 2 === 0 ? 0 : 0.999),
} as unknown as RandomStream;

beforeAll(() => openEngine(portableEngine('cpu')));

function layer(adapter: string, path: keyof typeof modules): AdapterLayer | undefined {
  const { rank, alpha, layers } = golden.adapters[adapter]!;
  const found = layers[path];
  if (found === undefined) return undefined;
  const { kind, rows, columns } = modules[path];
  const [out, inputs] = kind === 'embedding' ? [columns, rows] : [rows, columns];
  const [A, B] = [tf.tensor2d(found.A, [rank, inputs]), tf.tensor2d(found.B, [out, rank])];
  const scaling = alpha / rank;
  return {
    parameters: new Map(),
    forward: (x) => x,
    factored: () => ({ A, B, scaling }),
    delta: () => ({
      weight: tf.tidy(() => {
        const product = tf.mul<Tensor2D>(tf.matMul(B, A), scaling);
        return kind === 'embedding' ? tf.transpose(product) : product;
      }),
    }),
    dispose: () => {},
  };
}

const partsOf = (path: keyof typeof modules, adapters: readonly string[], weights: readonly number[]): Part[] =>
  adapters.flatMap((adapter, k) => {
    const found = layer(adapter, path);
    return found === undefined ? [] : [{ adapter, layer: found, weight: weights[k]!, random: pattern }];
  });

describe.each(golden.cases)("PEFT's $combination_type of $adapters by $weights", (given) => {
  test.each(Object.entries(given.layers))('at %s', async (name, expected) => {
    const path = name as keyof typeof modules;
    const { A, B, rank, lost } = await combinedLayer(
      { path, ...modules[path] },
      partsOf(path, given.adapters, given.weights),
      {
        ...combinations[given.combination_type],
        density: given.density ?? 1,
        election: given.majority_sign_method ?? 'total',
        rank: given.svd_rank,
      },
    );
    if (expected.product === undefined) {
      if (rank === expected.rank) {
        expectClose(A, expected.A!);
        expectClose(B, expected.B!);
      }
      const product = (a: ArrayLike<number>, b: ArrayLike<number>, r: number) =>
        multiply(b, a, b.length / r, r, a.length / r);
      expectClose(product(A, B, rank), product(expected.A!, expected.B!, expected.rank));
    } else {
      expectClose(multiply(B, A, B.length / rank, rank, A.length / rank), expected.product);
      expect(lost).toBeGreaterThanOrEqual(0);
      expect(lost).toBeLessThan(1);
    }
  });
});

test('the golden cases are of every type', () => {
  expect(new Set(golden.cases.map((given) => given.combination_type))).toEqual(new Set(Object.keys(combinations)));
});

test('what cutting to a rank took is the norm of the rest', async () => {
  const parts = partsOf('dense', ['a', 'b', 'c'], [0.7, -0.4, 1.1]);
  const rule = { ...combinations.svd, density: 1, election: 'total' } as const;
  const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
  const combine = async (rank: number) => {
    const { A, B, lost, ...rest } = await combinedLayer({ path: 'dense', ...modules.dense }, parts, { ...rule, rank });
    return { product: multiply(B, A, 5, rest.rank, 6), lost, rank: rest.rank };
  };
  const [whole, cut] = [await combine(99), await combine(2)];
  expect(whole.rank).toBe(5); // no more than the weight has
  expect(whole.lost).toBeLessThan(1e-6);
  expect(cut.lost).toBeCloseTo(norm(cut.product.map((value, i) => value - whole.product[i]!)) / norm(whole.product), 5);
});

test.each(['cat', 'linear', 'svd'] as const)('%s frees factors that were made for the call', async (type) => {
  const made = (part: Part): Part => {
    const { A, B, scaling } = part.layer.factored!();
    const factored = () => {
      const [a, b] = [tf.clone(A), tf.clone(B)];
      return { A: a, B: b, scaling, release: () => tf.dispose([a, b]) };
    };
    return { ...part, layer: { ...part.layer, factored } };
  };
  const parts = partsOf('dense', ['a', 'b'], [0.7, -0.4]).map(made);
  const before = tf.memory().numTensors;
  const rule = { ...combinations[type], density: 1, election: 'total', rank: undefined } as const;
  await combinedLayer({ path: 'dense', ...modules.dense }, parts, rule);
  expect(tf.memory().numTensors).toBe(before);
});

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(found.length).toBe(expected.length);
  Array.from(found).forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-5));
}

/** B [m, r] times A [r, n]. */
function multiply(B: ArrayLike<number>, A: ArrayLike<number>, m: number, r: number, n: number): number[] {
  return Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < r; k++) sum += B[Math.floor(at / n) * r + k]! * A[k * n + (at % n)]!;
    return sum;
  });
}
