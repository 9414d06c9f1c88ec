import { readFileSync } from 'node:fs';

/** What tools/parity/evaluators.py writes: values of scikit-learn and intervals of SciPy. */
export interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly predictions: readonly string[];
    readonly references: readonly string[];
    readonly values: Readonly<Record<string, number>>;
  }[];
  readonly withLabels: readonly {
    readonly name: string;
    readonly labels: readonly string[];
    readonly average: 'macro' | 'micro' | 'weighted';
    readonly zeroDivision: 0 | 1;
    readonly value: number;
  }[];
  readonly intervals: readonly { readonly name: string; readonly metric: string; readonly low: number; readonly high: number }[];
}

export const golden = JSON.parse(readFileSync(new URL('evaluators.json', import.meta.url), 'utf8')) as Golden;

/** Predictions and references of the case called `name`. */
export function goldenCase(name: string): Golden['cases'][number] {
  return golden.cases.find((one) => one.name === name)!;
}
