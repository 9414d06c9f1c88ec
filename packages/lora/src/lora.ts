/**
 * LoRA: a low-rank update of a frozen weight (Hu et al., ICLR 2022, arXiv 2106.09685).
 *
 *   ΔW = s·B·A          s = α/r, or α/√r with rsLoRA (Kalajdzievski 2023, arXiv 2312.03732)
 *   y  = W x + s·B(A dropout(x))
 *
 *   W [out, in]  frozen          A [r, in]  Kaiming uniform or normal          B [out, r]  zeros, so ΔW starts at 0
 *
 * On an embedding the update of row i is s·B·A[:, i] (see lowRankFactors); as in PEFT there is no dropout, ids have none.
 * Variants stand in files of their own: other starts (initial/), DoRA (dora.ts), trained biases, trained token rows.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Rank, Tensor, Tensor1D, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import {
  pathPattern,
  recomputedUpdate,
  updateProduct,
  type AdapterLayer,
  type AdapterMethod,
  type Call,
  type Context,
  type FactoredFacts,
  type FrozenWeight,
} from '@loran/adapter';
import { LoranError } from '@loran/plugin';
import { variable } from '@loran/tensor';
import { magnitude } from './dora.js';
import { isSubtracted, prepareStart } from './initial/start.js';
import { loraConfig, type LoraConfig, type LoraOptions } from './lora-config.js';
import { lowRankUpdate, type LowRankUpdate } from './low-rank-update.js';
import { peftFormat } from './peft-format.js';
import { tokenRows } from './token-rows.js';
import { biasesOf, trainedBias } from './trained-bias.js';
import { version } from './version.js';

export const lora: AdapterMethod<LoraConfig> = {
  kind: 'adapter-method',
  name: 'lora',
  package: '@loran/lora',
  version,
  config: loraConfig,
  formats: [peftFormat],
  factoredConfig,
  prepare: prepareStart,

  create(frozen, config, context) {
    const update = lowRankUpdate(frozen, config, context);
    const { A, B } = update;
    const dora = config.dora ? magnitude(frozen, update) : undefined;
    const weightBias = config.bias === 'none' || frozen.bias === null ? undefined : trainedBias(frozen.bias);
    const ownBias = config.loraBias ? biasBehind(frozen, context) : undefined;
    const forward =
      dora?.forward ?? (config.form === 'factored' ? factored(frozen, update) : weightSpace(frozen, update));
    const [nameA, nameB] = frozen.kind === 'linear' ? ['A', 'B'] : ['embeddingA', 'embeddingB'];
    const beside = new Map<string, Variable>([
      ...(dora === undefined ? [] : [['magnitude', dora.parameter] as const]),
      ...(ownBias === undefined ? [] : [['ownBias', ownBias] as const]),
      ...(weightBias === undefined ? [] : [['weightBias', weightBias.parameter] as const]),
    ]);

    const biasChange = (): Tensor1D | undefined => {
      if (ownBias === undefined) return weightBias?.change();
      const own = tf.mul<Tensor1D>(ownBias, update.scaling);
      return weightBias === undefined ? own : tf.add<Tensor1D>(own, weightBias.change());
    };
    return {
      parameters: new Map<string, Variable>([[nameA!, A], [nameB!, B], ...beside]),
      forward: (x, next, call) => {
        const y = forward(x, next, call);
        const shifted = ownBias === undefined ? y : tf.add(y, scaled(tf.mul(ownBias, update.scaling), call.scale));
        return weightBias === undefined ? shifted : weightBias.added(shifted, call.scale);
      },
      delta: () =>
        tf.tidy(() => {
          const bias = biasChange();
          const weight = dora === undefined ? update.product(A, B) : dora.delta();
          return { weight, ...(bias === undefined ? {} : { bias }) };
        }),
      ...(beside.size > 0
        ? {}
        : {
            factored: () => {
              if (!isSubtracted(config.init)) return { A, B, scaling: update.scaling };
              const joined = update.joined();
              return { ...joined, scaling: update.scaling, release: () => tf.dispose([joined.A, joined.B]) };
            },
          }),
      ...(isSubtracted(config.init) ? { saved: () => savedForm(update, [nameA!, nameB!], beside) } : {}),
      dispose: () => {
        update.dispose();
        dora?.dispose();
        tf.dispose([ownBias ?? [], weightBias?.parameter ?? []]);
      },
    };
  },

  companions(model, { bias, trainableTokens }, taken) {
    const rows =
      trainableTokens === undefined ? new Map<string, AdapterLayer>() : tokenRows(model, trainableTokens, taken);
    return bias === 'all' ? new Map([...rows, ...biasesOf(model, new Set([...taken.keys(), ...rows.keys()]))]) : rows;
  },
};

const factored =
  ({ kind }: FrozenWeight, update: LowRankUpdate): AdapterLayer['forward'] =>
  (x, next, { scale, drop }) => {
    const own = update.trained(kind === 'linear' ? drop(x, update.dropout) : x);
    const first = update.subtracted(x);
    return tf.add(next(x), scaled(first === undefined ? own : tf.sub(own, first), scale));
  };

/** (W + ΔW) x, with ΔW formed no earlier than x, and again in the backward pass. */
function weightSpace({ kind }: FrozenWeight, update: LowRankUpdate): AdapterLayer['forward'] {
  const { A, B, dropout } = update;
  const form = (A: Tensor2D, scale: Call['scale']): Tensor2D => tf.tidy(() => scaled(update.product(A, B), scale));
  const change = (x: Tensor, scale: Call['scale']): Tensor2D => recomputedUpdate({ variables: [A, B], scale, form }, x);
  return (x, next, { training, scale, drop }) => {
    if (kind !== 'linear' || !training || dropout === 0) return next(x, change(x, scale));
    const first = update.subtracted(x);
    const dropped = drop(x, dropout);
    const behind = update.subtracted(dropped); // ΔW of what is dropped subtracts it as well
    const own = updateProduct(dropped, change(x, scale));
    return tf.add(next(x), first === undefined ? own : tf.add(own, scaled(tf.sub(behind!, first), scale)));
  };
}

/** PEFT's lora_bias: y = … + s·b, b [out] from 0. */
function biasBehind({ kind, rows }: FrozenWeight, { path }: Context): Variable<Rank.R1> {
  if (kind === 'linear') return variable(tf.zeros<Rank.R1>([rows])) as Variable<Rank.R1>;
  throw new LoranError(
    'INVALID_CONFIG',
    `loraBias puts a bias behind B, which an embedding does not have; '${path}' is one. Leave it out of the target modules.`,
  );
}

/** With the first factors inside, as a plain LoRA of twice the rank: PEFT's own conversion of such adapters. */
function savedForm(
  update: LowRankUpdate,
  [nameA, nameB]: readonly string[],
  beside: ReadonlyMap<string, Variable>,
): ReadonlyMap<string, Tensor> {
  const { A, B } = update.joined();
  const copies = [...beside].map(([name, parameter]) => [name, tf.clone(parameter as Tensor)] as const);
  return new Map<string, Tensor>([[nameA!, A], [nameB!, B], ...copies]);
}

/** Ranks of single modules come with alphas of their own, so that the scaling alpha / rank is the same everywhere. */
function factoredConfig({ rank, scaling, dropout, ranks }: FactoredFacts): LoraOptions {
  const entries = [...ranks].map(([path, own]) => [pathPattern(path), own] as const);
  return {
    rank,
    alpha: scaling * rank,
    dropout,
    rankPattern: Object.fromEntries(entries),
    alphaPattern: Object.fromEntries(entries.map(([pattern, own]) => [pattern, scaling * own])),
  };
}

const scaled = <T extends Tensor>(x: T, scale: Call['scale']): T => (scale === 1 ? x : tf.mul(x, scale));
