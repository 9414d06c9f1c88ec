/**
 * PiSSA: the principal r directions of W become the adapter, the rest stays frozen (arXiv 2404.02948).
 * Needs the original weights before the layers are made, and another frozen weight in their place.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { linear, variable } from '@loran/tensor';
import { trial } from './trial.js';

export const pissa = trial(
  'pissa',
  { A: 'lora_A.weight', B: 'lora_B.weight' },
  {
    async prepare(layers, { rank }, { shared }) {
      for (const { path, frozen, replace } of layers) {
        const { A, B, rest } = tf.tidy(() => principal(frozen.weight(), rank));
        shared.set(`${path}.A`, A);
        shared.set(`${path}.B`, B);
        replace(await frozen.with(rest));
        rest.dispose();
      }
    },
    create(_frozen, _config, { path, shared }) {
      const initial = (name: string) => variable(tf.clone(shared.get(`${path}.${name}`) as Tensor2D));
      const A = initial('A'); // [r, in]
      const B = initial('B'); // [out, r]
      return {
        parameters: new Map([['A', A], ['B', B]]),
        forward: (x, next) => tf.add(next(x), linear(linear(x, A as never), B as never)),
        delta: () => ({ weight: tf.matMul<Tensor2D>(B as never, A as never) }),
        dispose: () => tf.dispose([A, B]),
      };
    },
  },
);

/** Power iteration with deflation: enough for matrices of a test. */
function principal(weight: Tensor2D, rank: number): { A: Tensor2D; B: Tensor2D; rest: Tensor2D } {
  let rest = weight;
  const left: Tensor2D[] = [];
  const right: Tensor2D[] = [];
  for (let k = 0; k < rank; k++) {
    let v = tf.ones<tf.Rank.R2>([weight.shape[1], 1]) as Tensor2D;
    for (let i = 0; i < 50; i++) {
      v = tf.matMul(rest, tf.matMul(rest, v), true);
      v = tf.div(v, tf.norm(v));
    }
    const u = tf.matMul<Tensor2D>(rest, v); // σu, [out, 1]
    left.push(u);
    right.push(v);
    rest = tf.sub(rest, tf.matMul(u, v, false, true));
  }
  return { A: tf.transpose(tf.concat2d(right, 1)), B: tf.concat2d(left, 1), rest: tf.clone(rest) };
}
