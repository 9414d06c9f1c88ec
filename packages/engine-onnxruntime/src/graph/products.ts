/** The matrix products of a graph, which say how much arithmetic one run is. */
import type { Node } from './node.js';

/** `count` products of [m, k] by [k, n], `batch` times each. */
export interface Product {
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly count: number;
}

export function productsOf(nodes: readonly Node[]): Product[] {
  const products = new Map<string, Product>();
  for (const { op, inputs, specs, attrs } of nodes) {
    if (op !== 'BatchMatMul' && op !== '_FusedMatMul') continue;
    const [a = 1, b = 1] = inputs[0]?.shape.slice(-2) ?? [];
    const shape = specs[0]?.shape ?? [];
    const [m = 1, n = 1] = shape.slice(-2);
    const [transposeA, transposeB] = [attrs['transposeA'] === true, attrs['transposeB'] === true];
    const product = { batch: size(shape) / Math.max(1, m * n), m, k: transposeA ? a : b, n, transposeA, transposeB };
    const key = JSON.stringify(product);
    products.set(key, { ...product, count: (products.get(key)?.count ?? 0) + 1 });
  }
  return [...products.values()];
}

/** Floating-point operations of one run: a multiplication and an addition count as two. */
export function flopsOf(products: readonly Product[]): number {
  return products.reduce((sum, { batch, m, k, n, count }) => sum + 2 * batch * m * k * n * count, 0);
}

const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
