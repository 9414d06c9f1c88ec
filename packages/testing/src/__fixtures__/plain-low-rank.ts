/** The shortest honest adapter method, ΔW = (α/r)·B·A, which keeps every law; its mutants each break one. */
import * as tf from '@tensorflow/tfjs-core';
import type { Variable } from '@tensorflow/tfjs-core';
import { lowRankFactors, type AdapterMethod } from '@loran/adapter';
import { linear } from '@loran/tensor';
import { z } from 'zod';

const config = z.strictObject({ rank: z.int().min(1), alpha: z.number(), dropout: z.number().default(0) });
export type PlainConfig = z.output<typeof config>;

export const plainLowRank: AdapterMethod<PlainConfig> = {
  kind: 'adapter-method',
  name: 'plain-low-rank',
  package: null,
  version: null,
  config,
  create(frozen, { rank, alpha, dropout }, context) {
    const factors = lowRankFactors(frozen, { rank, init: 'kaiming' }, context);
    const { A, B } = factors;
    return {
      parameters: new Map<string, Variable>([
        ['A', A],
        ['B', B],
      ]),
      forward: (x, next, { drop, scale }) =>
        tf.add(next(x), tf.mul(linear(linear(drop(x, dropout), A), B), tf.mul(alpha / rank, scale))),
      delta: () => ({ weight: tf.tidy(() => tf.mul(factors.product(), alpha / rank)) }),
      dispose: () => factors.dispose(),
    };
  },
  formats: [
    {
      name: 'peft',
      peftType: 'PLAIN',
      suffixes: new Map([
        ['A', 'A'],
        ['B', 'B'],
      ]),
      toFile: ({ rank, alpha, dropout }) => ({ r: rank, alpha, dropout }),
      fromFile: ({ r, alpha, dropout }) => ({ rank: r, alpha, dropout }),
    },
  ],
};
