/**
 * VeRA: vector-based random matrix adaptation (Kopiczko et al., ICLR 2024, arXiv 2310.11454).
 *
 *   ΔW = diag(b) B diag(d) A
 *   y  = W x + b ∘ B (d ∘ A dropout(x))
 *
 *   W [out, in]  frozen          A [r, widest in]  B [widest out, r]  random, frozen, the same for all layers
 *   d [r]  dInitial              b [out]  zeros, so ΔW starts at 0
 *
 * A layer takes the first columns of A and the first rows of B that fit it. The matrices are Kaiming uniform for ReLU, in ±√(6/columns),
 * drawn from `projectionKey` alone: adapters of one key on the same modules have the same ones. PEFT draws them from torch's
 * generator, so a file must hold them; ours always do. The rank may be above both sides of a weight: it counts the directions to choose
 * from, not parameters of their own.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { type AdapterMethod, type LayerRequest, ShapeMismatchError } from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { linear, randomStream, variable } from '@loran/tensor';
import { peftFormat, projectionKeys } from './peft-format.js';
import { veraConfig, type VeraConfig } from './vera-config.js';
import { version } from './version.js';

export const vera: AdapterMethod<VeraConfig> = {
  kind: 'adapter-method',
  name: 'vera',
  package: '@loran/vera',
  version,
  config: veraConfig,
  formats: [peftFormat],

  /** The shared matrices: those of the file, if they fit, or drawn. */
  prepare(layers, { rank, projectionKey }, { shared }) {
    const needed = neededBy(layers, rank);
    if (shared.size > 0) {
      for (const name of ['A', 'B'] as const) refuseSmaller(name, shared.get(name), needed[name]);
      return Promise.resolve();
    }
    const random = randomStream(projectionKey);
    for (const name of ['A', 'B'] as const) {
      const bound = Math.sqrt(6 / needed[name][1]);
      shared.set(name, random.derive(name).uniform(needed[name], -bound, bound));
    }
    return Promise.resolve();
  },

  create(frozen, { rank, dropout, dInitial }, context) {
    const { rows, columns } = frozen;
    const part = (name: 'A' | 'B', size: [number, number]): Tensor2D =>
      tf.slice(context.shared.get(name) as Tensor2D, [0, 0], size);
    const A = () => part('A', [rank, columns]); // [r, in]
    const B = () => part('B', [rows, rank]); // [out, r]
    const d = variable(tf.fill<tf.Rank.R1>([rank], dInitial)); // [r]
    const b = variable(tf.zeros<tf.Rank.R1>([rows])); // [out]
    const scaledA = () => tf.mul<Tensor2D>(tf.expandDims(d, 1), A());
    const scaledB = () => tf.mul<Tensor2D>(tf.expandDims(b, 1), B());

    return {
      parameters: new Map<string, Variable>([
        ['d', d],
        ['b', b],
      ]),
      forward: (x, next, { scale, drop }) => {
        const inner = tf.mul(linear(drop(x, dropout), A()), d); // [..., r]
        return tf.add(next(x), tf.mul(linear(inner, B()), tf.mul(b, scale)));
      },
      delta: () => ({ weight: tf.tidy(() => tf.matMul(scaledB(), scaledA())) }),
      factored: () => {
        const [A, B] = tf.tidy(() => [scaledA(), scaledB()] as const);
        return { A, B, scaling: 1, release: () => tf.dispose([A, B]) };
      },
      dispose: () => tf.dispose([d, b]),
    };
  },
};

/** Shapes of the matrices that all layers together need. Throws UNSUPPORTED_MODULE for an embedding. */
function neededBy(layers: readonly LayerRequest[], rank: number): Record<'A' | 'B', [number, number]> {
  const embedding = layers.find(({ frozen }) => frozen.kind === 'embedding');
  if (embedding !== undefined) {
    throw new LoranError(
      'UNSUPPORTED_MODULE',
      `VeRA goes on linear modules; '${embedding.path}' is an embedding. Leave it out of the target modules.`,
    );
  }
  const widest = (side: 'rows' | 'columns') => Math.max(...layers.map(({ frozen }) => frozen[side]));
  return { A: [rank, widest('columns')], B: [widest('rows'), rank] };
}

/** The side of the rank must be it; the other may be longer, where the adapter was trained beside one with more modules. */
function refuseSmaller(name: 'A' | 'B', given: Tensor | undefined, [rows, columns]: readonly [number, number]): void {
  const [ofRows = 0, ofColumns = 0] = given?.shape ?? [];
  const fits = name === 'A' ? ofRows === rows && ofColumns >= columns : ofRows >= rows && ofColumns === columns;
  if (given?.rank === 2 && fits) return;
  throw new ShapeMismatchError(
    projectionKeys[name],
    [rows, columns],
    given?.shape ?? [],
    'The longer side may be longer still. Are the base model and r those of the training?',
  );
}
