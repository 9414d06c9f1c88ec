/**
 * One layer of Falcon. With one or two norms (f and g below) attention and feed-forward read the same x:
 *
 *   y = x + dropout(mlp(g(x)) + attention(f(x)))
 *
 * and in turn, as in Falcon-RW:  a = x + dropout(attention(f(x)))      y = a + dropout(mlp(g(a)))
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Pass } from '@loran/adapter';
import { found, type LoadedModules } from '../checkpoint/load-modules.js';
import { attend } from '../decoder/attend.js';
import type { DecoderBlock } from '../decoder/decoder.js';
import type { Sequence } from '../decoder/sequence.js';
import { alibiBias } from '../layers/alibi.js';
import { dropoutAt } from '../layers/dropout-at.js';
import { type HiddenActivation, hiddenActivations } from '../layers/hidden-activation.js';
import type { RotaryOptions } from '../layers/rotary/frequencies.js';
import { rotate } from '../layers/rotary/rotate.js';

export interface FalconFacts {
  readonly width: number;
  readonly inner: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  readonly bias: boolean;
  readonly norms: 'two' | 'one' | 'in turn';
  readonly epsilon: number;
  readonly activation: HiddenActivation;
  readonly hiddenDropout: number;
  readonly attentionDropout: number;
  readonly maxLength: number;
  /** How keys are placed: rotated, or by ALiBi's table [maxLength, heads]. */
  readonly positions: RotaryOptions | Float32Array;
}

export const layerPath = (layer: number): string => `transformer.h.${layer}`;

export function falconBlock(facts: FalconFacts, { slots, norms }: LoadedModules, layer: number): DecoderBlock {
  const { headWidth, hiddenDropout, attentionDropout } = facts;
  const path = layerPath(layer);
  const slot = (name: string) => found(slots, `${path}.${name}`);
  const norm = (name: string) => found(norms, `${path}.${name}`);
  const activate = hiddenActivations[facts.activation] as (x: Tensor) => Tensor;
  const scale = headWidth ** -0.5;

  const attention = (x: Tensor2D, sequence: Sequence, pass: Pass): Tensor2D => {
    const { q, k, v } = splitGroups(slot('self_attention.query_key_value').apply(x, pass), facts, sequence);
    const options = { path: `${path}.self_attention`, layer, scale };
    const { positions } = facts;
    const mixed =
      positions instanceof Float32Array
        ? attend(
            { q, k, v },
            sequence,
            { ...options, dropout: attentionDropout, mask: alibi(positions, sequence) },
            pass,
          )
        : attend(turned({ q, k, v }, positions, sequence), sequence, { ...options, dropout: 0 }, pass);
    return slot('self_attention.dense').apply(mixed, pass) as Tensor2D;
  };
  /** Falcon scales ALiBi with the products. */
  const alibi = (table: Float32Array, sequence: Sequence): Tensor4D =>
    sequence.shared(table, () => {
      const bias = alibiBias(sequence.keyPositions(), table, facts.heads); // [batch or 1, heads, 1, columns]
      const scaled = tf.mul<Tensor4D>(bias, scale);
      const mask = sequence.mask();
      return mask === undefined ? scaled : tf.add<Tensor4D>(scaled, mask);
    });
  const feedForward = (x: Tensor2D, pass: Pass): Tensor2D =>
    slot('mlp.dense_4h_to_h').apply(activate(slot('mlp.dense_h_to_4h').apply(x, pass)), pass) as Tensor2D;
  const add = (x: Tensor2D, update: Tensor2D, place: string, rate: number, pass: Pass): Tensor2D =>
    tf.add<Tensor2D>(x, dropoutAt(`${path}.${place}`, update, rate, pass));

  return {
    apply: (x, sequence, pass) =>
      tf.tidy(() => {
        if (facts.norms === 'in turn') {
          const attended = attention(norm('input_layernorm').apply(x), sequence, pass);
          const a = add(x, attended, 'attention_dropout', attentionDropout, pass);
          const fed = feedForward(norm('post_attention_layernorm').apply(a), pass);
          return add(a, fed, 'hidden_dropout', hiddenDropout, pass);
        }
        const forAttention = norm(facts.norms === 'two' ? 'ln_attn' : 'input_layernorm').apply(x);
        const forFeedForward = facts.norms === 'two' ? norm('ln_mlp').apply(x) : forAttention;
        const update = tf.add<Tensor2D>(feedForward(forFeedForward, pass), attention(forAttention, sequence, pass));
        return add(x, update, 'hidden_dropout', hiddenDropout, pass);
      }),
  };
}

interface Heads {
  readonly q: Tensor4D;
  readonly k: Tensor4D;
  readonly v: Tensor4D;
}

/**
 * The fused product holds, group by group, the queries of a group, its key and its value: one group in all is multi-query
 * attention, one a head is plain multi-head attention.
 * [batch·time, (heads + 2·keyHeads)·headWidth] -> q [batch, time, heads, headWidth], k and v [batch, time, keyHeads, headWidth]
 */
function splitGroups(fused: Tensor, { heads, keyHeads, headWidth }: FalconFacts, { batch, time }: Sequence): Heads {
  const queries = heads / keyHeads;
  const groups = tf.reshape(fused, [batch * time, keyHeads, queries + 2, headWidth]);
  const [q, k, v] = tf.split(groups, [queries, 1, 1], 2) as [Tensor4D, Tensor4D, Tensor4D];
  return {
    q: tf.reshape(q, [batch, time, heads, headWidth]),
    k: tf.reshape(k, [batch, time, keyHeads, headWidth]),
    v: tf.reshape(v, [batch, time, keyHeads, headWidth]),
  };
}

function turned({ q, k, v }: Heads, rotary: RotaryOptions, sequence: Sequence): Heads {
  const turn = sequence.rotation(rotary);
  return { q: rotate(q, turn), k: rotate(k, turn), v };
}
