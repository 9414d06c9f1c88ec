/** The values that tools/parity/optimisers.py computed with torch and transformers. */
import { readFileSync } from 'node:fs';

type Values = Readonly<Record<string, readonly number[]>>;

interface OptimizerCase<Options> {
  readonly options: Options;
  /** Parameters after each step. */
  readonly trace: readonly Values[];
}

export interface Golden {
  readonly shapes: Readonly<Record<string, number[]>>;
  readonly initial: Values;
  readonly gradients: readonly Values[];
  readonly rates: readonly number[];
  readonly adamw: readonly OptimizerCase<Record<string, never>>[];
  readonly sgd: readonly OptimizerCase<Record<string, never>>[];
  readonly clipping: readonly { readonly limit: number; readonly norm: number; readonly clipped: Values }[];
  readonly schedules: readonly {
    readonly name: 'constant' | 'linear' | 'cosine';
    readonly total: number;
    readonly warmup: { readonly warmupSteps?: number; readonly warmupRatio?: number };
    readonly factors: readonly number[];
  }[];
}

export const golden = JSON.parse(readFileSync(new URL('optimisers.json', import.meta.url), 'utf8')) as Golden;
