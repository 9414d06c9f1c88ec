/**
 * Where a decoder's new tokens stand, in ONNX: their positions, what they may look at, and the keys and values before them.
 *
 *   input_ids [batch, time]      attention_mask [batch, total], 1 for a token      total = past + time
 *   past_key_values.N.{key,value} [batch, keyHeads, past, width]  ->  present.N.{key,value} [batch, keyHeads, total, width]
 *
 * The names are those of transformers.js and Optimum. Positions follow from the mask, so that padding may stand on the left.
 */
import type { CacheShape } from '../decoder/key-value-cache.js';
import { rotaryFrequencies, type RotaryOptions } from '../layers/rotary/frequencies.js';
import { axisSize, closed, columnRange, tokenColumns } from './graph-columns.js';
import type { ModelGraph } from './model-graph.js';

export interface GraphRotation {
  readonly cos: string; // [batch, 1, time, n]
  readonly sin: string;
}

const [batch, time, past, total] = ['batch_size', 'sequence_length', 'past_sequence_length', 'total_sequence_length'];

export class GraphSequence {
  readonly ids: string; // [batch, time] int64
  readonly attentionMask: string; // [batch, total] int64
  /** Tokens before each new token of its text. */
  readonly positions: string; // [batch, time] int64
  readonly #graph: ModelGraph;
  readonly #cache: CacheShape | undefined;
  readonly #start: string; // [1] int64: columns before the new tokens
  readonly #end: string; // [1] int64: all columns
  readonly #before: string; // [batch, total] int64: tokens before that of each column; of padding, any
  readonly #masks = new Map<number | undefined, string>();
  readonly #rotations = new Map<RotaryOptions, GraphRotation>();
  readonly #shared = new Map<object, string>();

  /** `cache`: what each layer keeps; none: the texts are given whole. */
  constructor(graph: ModelGraph, cache?: CacheShape) {
    this.#graph = graph;
    this.#cache = cache;
    const { onnx } = graph;
    this.ids = onnx.input('input_ids', 'int64', [batch, time]);
    this.attentionMask = onnx.input('attention_mask', 'int64', [batch, cache === undefined ? time : total]);
    this.#end = axisSize(graph, this.attentionMask, 1);
    this.#start = graph.op('Sub', [this.#end, axisSize(graph, this.ids, 1)]);
    const counted = graph.op('CumSum', [this.attentionMask, onnx.scalar('int64', 1)]);
    this.#before = graph.op('Sub', [counted, onnx.scalar('int64', 1)]);
    const all = graph.op('Max', [this.#before, onnx.scalar('int64', 0)]); // [batch, total]
    this.positions = graph.op('Slice', [all, this.#start, this.#end, onnx.constant('int64', [1])]);
  }

  /** Added to the scores: 0 where a token may look, −10⁹ elsewhere. -> [batch, 1, time, total] */
  mask(window?: number): string {
    const known = this.#masks.get(window);
    if (known !== undefined) return known;
    const graph = this.#graph;
    const keys = columnRange(graph, this.#end); // [total]
    const own = graph.unsqueeze(columnRange(graph, this.#end, this.#start), [1]); // [time, 1]
    const before = graph.op('LessOrEqual', [keys, own]); // [time, total]
    const seen =
      window === undefined
        ? before
        : graph.op('And', [
            before,
            graph.op('Greater', [keys, graph.op('Sub', [own, graph.onnx.scalar('int64', window)])]),
          ]);
    const made = closed(graph, graph.op('And', [seen, tokenColumns(graph, this.attentionMask)]));
    this.#masks.set(window, made);
    return made;
  }

  /** cos and sin of a rotary embedding at the new tokens' positions. */
  rotation(options: RotaryOptions): GraphRotation {
    const known = this.#rotations.get(options);
    if (known !== undefined) return known;
    const graph = this.#graph;
    const { inverse, scale } = rotaryFrequencies(options, 0);
    const frequencies = this.#stretched(options, graph.onnx.constant('float32', [...inverse])); // [n]
    const places = graph.unsqueeze(graph.op('Cast', [this.positions], { to: 1 }), [1, 3]); // [batch, 1, time, 1]
    const angles = graph.op('Mul', [places, frequencies]);
    const wave = (operator: string) => {
      const values = graph.op(operator, [angles]);
      return scale === 1 ? values : graph.with('Mul', values, scale);
    };
    const made = { cos: wave('Cos'), sin: wave('Sin') };
    this.#rotations.set(options, made);
    return made;
  }

  /** Tokens before that of each column, those of the past included; 0 at padding. -> [batch, total] int64 */
  keyPositions(): string {
    return this.#graph.op('Mul', [this.#before, this.attentionMask]);
  }

  /** What layers have in common, made by the first that asks under a key. */
  shared(key: object, make: () => string): string {
    const made = this.#shared.get(key) ?? make();
    this.#shared.set(key, made);
    return made;
  }

  /** x [batch, heads, time, width], its first features turned */
  rotate(x: string, options: RotaryOptions, width: number): string {
    const { onnx } = this.#graph;
    const { cos, sin } = this.rotation(options);
    const half = options.width / 2;
    const sizes = width === options.width ? [half, half] : [half, half, width - options.width];
    const [first = '', second = '', ...rest] = onnx.nodes('Split', [x, onnx.constant('int64', sizes)], sizes.length, {
      axis: 3,
    });
    const product = (a: string, b: string) => this.#graph.op('Mul', [a, b]);
    const turned = [
      this.#graph.op('Sub', [product(first, cos), product(second, sin)]),
      this.#graph.op('Add', [product(second, cos), product(first, sin)]),
    ];
    return this.#graph.op('Concat', [...turned, ...rest], { axis: 3 });
  }

  /** One layer's keys and values [batch, keyHeads, time, width] behind those of the past: of all columns. */
  cached(layer: number, keys: string, values: string): { readonly keys: string; readonly values: string } {
    const cache = this.#cache;
    if (cache === undefined) return { keys, values };
    const joined = (kind: 'key' | 'value', added: string, width: number) => {
      const { onnx } = this.#graph;
      const before = onnx.input(`past_key_values.${layer}.${kind}`, 'float32', [batch, cache.heads, past, width]);
      const all = this.#graph.op('Concat', [before, added], { axis: 2 });
      onnx.output(all, `present.${layer}.${kind}`, 'float32', [batch, cache.heads, total, width]);
      return all;
    };
    return { keys: joined('key', keys, cache.keyWidth), values: joined('value', values, cache.valueWidth) };
  }

  /** 'dynamic' frequencies depend on the length: b·s^(n/(n−1)) for a base b is f·s^(−i/(n−1)) for its frequency number i. */
  #stretched({ width, trainedLength, scaling }: RotaryOptions, frequencies: string): string {
    if (scaling?.rope_type !== 'dynamic') return frequencies;
    const graph = this.#graph;
    const length = graph.op('Cast', [this.#end], { to: 1 }); // [1]
    const stretch = graph.with('Sub', graph.with('Mul', length, scaling.factor / trainedLength), scaling.factor - 1);
    const exponents = Array.from({ length: width / 2 }, (_, i) => (-2 * i) / (width - 2));
    const powers = graph.op('Pow', [graph.with('Max', stretch, 1), graph.onnx.constant('float32', exponents)]);
    return graph.op('Mul', [frequencies, powers]);
  }
}
