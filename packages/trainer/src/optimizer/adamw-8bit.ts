/**
 * AdamW whose moments are kept in 8 bits: 2.03 bytes a parameter instead of 8 (Dettmers et al. 2022, arXiv 2110.02861).
 *
 *   m, v  dequantised      m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²      θ as in adamW      m, v  quantised
 *
 * As bitsandbytes' AdamW8bit: blocks of 256, the signed dynamic map for m and the unsigned one for v, and fp32 moments for tensors
 * below 4096 values. Arithmetic is fp32 and this step's own moments move the parameters before they are rounded.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { LoranError } from '@loran/plugin';
import { signedDynamicMap, unsignedDynamicMap } from '@loran/tensor';
import { adamW, type AdamWOptions } from './adamw.js';
import { BlockMoment, fromBlocks, toBlocks } from './block-moments.js';
import { type CodeTables, codeTables } from './nearest-code.js';
import type { Optimizer, Update } from './optimizer.js';

/** Tensors with fewer values keep their moments in fp32. */
const smallestIn8Bits = 4096;
/** Values of a chunk, about: what is dequantised at a time. */
const chunkSize = 2 ** 20;

/** Parameters that are updated together. */
interface Chunk {
  readonly names: readonly string[];
  readonly parameters: readonly Variable[];
  readonly first: BlockMoment;
  readonly second: BlockMoment;
}

interface Started {
  readonly chunks: readonly Chunk[];
  readonly small: ReadonlySet<string>;
  readonly tables: readonly CodeTables[];
}

/** AdamW with 8-bit moments, defaults as adamW's. Throws TRAINING_OPTION for a value out of range. */
export function adamW8bit(options: AdamWOptions = {}): Optimizer {
  const small = adamW(options);
  const { betas, epsilon, weightDecay } = small.settings as Required<AdamWOptions>;
  let started: Started | undefined;

  return {
    name: 'adamw-8bit',
    settings: { betas, epsilon, weightDecay },
    start(parameters) {
      const [large, others] = split(parameters);
      small.start(others); // refuses a second start
      const tables = [codeTables(signedDynamicMap), codeTables(unsignedDynamicMap)] as const;
      const chunks = chunksOf(large).map((names): Chunk => {
        const own = names.map((name) => large.get(name)!);
        return {
          names,
          parameters: own,
          first: new BlockMoment(own, tables[0]),
          second: new BlockMoment(own, tables[1]),
        };
      });
      started = { chunks, small: new Set(others.keys()), tables };
    },
    step(gradients, update) {
      const own = started;
      small.step(new Map([...gradients].filter(([name]) => own?.small.has(name))), update);
      for (const chunk of own?.chunks ?? []) {
        tf.tidy(() => {
          stepChunk(chunk, gradientsOf(chunk, gradients), update, { betas, epsilon, weightDecay });
        });
      }
    },
    state: () =>
      new Map([
        ...small.state(),
        ...(started?.chunks ?? []).flatMap(({ names, first, second }) => {
          const name = names.length === 1 ? names[0]! : `${names[0]!}…${names.at(-1)!}`;
          return [...first.state(`${name}.firstMoment`), ...second.state(`${name}.secondMoment`)];
        }),
      ]),
    dispose() {
      small.dispose();
      for (const { first, second } of started?.chunks ?? []) {
        first.dispose();
        second.dispose();
      }
      for (const tables of started?.tables ?? []) tf.dispose(Object.values(tables) as Tensor[]);
      started = undefined;
    },
  };
}

function stepChunk(
  { parameters, first, second }: Chunk,
  gradients: readonly Tensor[],
  { step, learningRate }: Update,
  { betas: [beta1, beta2], epsilon, weightDecay }: Required<AdamWOptions>,
): void {
  const slopes = toBlocks(gradients); // [blocks, 256]
  const m = tf.add<Tensor2D>(tf.mul(first.values(slopes), tf.scalar(beta1)), tf.mul(slopes, tf.scalar(1 - beta1)));
  const v = tf.add<Tensor2D>(
    tf.mul(second.values(slopes), tf.scalar(beta2)),
    tf.mul(tf.square(slopes), tf.scalar(1 - beta2)),
  );
  const root = tf.add(tf.mul(tf.sqrt(v), tf.scalar(1 / Math.sqrt(1 - beta2 ** step))), tf.scalar(epsilon));
  const moves = tf.mul<Tensor2D>(tf.div(m, root), tf.scalar(learningRate / (1 - beta1 ** step)));
  const decay = tf.scalar(1 - learningRate * weightDecay);
  for (const [i, move] of fromBlocks(moves, parameters).entries()) {
    const parameter = parameters[i]!;
    parameter.assign(tf.sub(tf.mul(parameter, decay), move));
  }
  first.assign(m);
  second.assign(v);
}

function split(
  parameters: ReadonlyMap<string, Variable>,
): [large: Map<string, Variable>, small: Map<string, Variable>] {
  const all = [...parameters];
  const isLarge = ([, { size }]: (typeof all)[number]) => size >= smallestIn8Bits;
  return [new Map(all.filter(isLarge)), new Map(all.filter((each) => !isLarge(each)))];
}

/** Names in groups that hold about `chunkSize` values each. */
function chunksOf(parameters: ReadonlyMap<string, Variable>): string[][] {
  const chunks: string[][] = [];
  let room = 0;
  for (const [name, { size }] of parameters) {
    if (room < size) {
      chunks.push([]);
      room = Math.max(chunkSize, size);
    }
    chunks.at(-1)!.push(name);
    room -= size;
  }
  return chunks;
}

function gradientsOf({ names }: Chunk, gradients: ReadonlyMap<string, Tensor>): Tensor[] {
  return names.map((name) => {
    const gradient = gradients.get(name);
    if (gradient !== undefined) return gradient;
    throw new LoranError('GRADIENT_MISSING', `The optimizer got no gradient for '${name}'.`);
  });
}
