/**
 * What the machine gives for the step's own matrix products, alone: the measure of the whole step.
 *
 * Each shape is a graph of a few such products on operands of their own; only one number of each result leaves the graph. The rate of all
 * shapes together is weighted by their share of the step's arithmetic: total FLOPs over the total time they would take.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { flopsOf, type OnnxruntimeEngine, type Product } from '@loran/engine-onnxruntime';
import { median } from './median.js';

interface Measured {
  readonly product: Product;
  /** GFLOPS of each sample. */
  readonly rates: number[];
  readonly operands: readonly (readonly [Tensor3D, Tensor3D])[];
}

export interface Roofline {
  /** Runs every shape once, unmeasured. */
  compile(): Promise<void>;
  /** Measures every shape once. */
  sample(): Promise<void>;
  /** GFLOPS of the step's products alone: FLOP-weighted, from the medians of the samples. */
  rate(): number;
  rows(): { readonly product: Product; readonly gigaflops: number; readonly share: number }[];
}

/** Enough arithmetic in one graph that starting it does not show. */
const minimumFlops = 1e9;
const maximumBytes = 256 * 2 ** 20;

export function roofline(engine: OnnxruntimeEngine, products: readonly Product[]): Roofline {
  const total = flopsOf(products);
  const measured: Measured[] = products.map((product) => ({ product, rates: [], operands: operandsFor(product) }));
  const rateOf = ({ rates }: Measured) => median(rates);

  return {
    async compile() {
      for (const one of measured) await timeOf(engine, one);
    },
    async sample() {
      for (const one of measured) {
        const flops = flopsOf([{ ...one.product, count: one.operands.length }]);
        one.rates.push(flops / ((await timeOf(engine, one)) * 1e6));
      }
    },
    rate: () => {
      const seconds = measured.reduce((sum, one) => sum + flopsOf([one.product]) / (rateOf(one) * 1e9), 0);
      return total / seconds / 1e9;
    },
    rows: () =>
      measured
        .map((one) => ({ product: one.product, gigaflops: rateOf(one), share: flopsOf([one.product]) / total }))
        .sort((a, b) => b.share - a.share),
  };
}

/** Milliseconds of one run. */
async function timeOf(engine: OnnxruntimeEngine, { product, operands }: Measured): Promise<number> {
  let milliseconds = NaN;
  const stop = engine.observe((record) => (milliseconds = record.runMilliseconds));
  const result = tf.tidy(() => tf.addN(operands.map(([a, b]) => corner(multiply(product, a, b)))));
  await result.data();
  stop();
  result.dispose();
  return milliseconds;
}

function multiply({ transposeA, transposeB }: Product, a: Tensor3D, b: Tensor3D): Tensor {
  return tf.matMul(a, b, transposeA, transposeB);
}

const corner = (x: Tensor): Tensor => tf.slice(x, [0, 0, 0], [1, 1, 1]);

function operandsFor(product: Product): [Tensor3D, Tensor3D][] {
  const { batch, m, k, n, transposeA, transposeB } = product;
  const bytes = 4 * batch * (m * k + k * n + m * n);
  const wanted = Math.ceil(minimumFlops / flopsOf([{ ...product, count: 1 }]));
  const copies = Math.max(1, Math.min(wanted, Math.floor(maximumBytes / bytes), product.count));
  return Array.from({ length: copies }, () => [
    tf.fill(transposeA ? [batch, k, m] : [batch, m, k], 0.5),
    tf.fill(transposeB ? [batch, n, k] : [batch, k, n], 0.5),
  ]);
}
