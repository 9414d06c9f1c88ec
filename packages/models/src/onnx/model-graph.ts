/**
 * A model's modules as ONNX operators: what a family writes its graph with. Values are names; shapes stand beside them.
 *
 * Weights are read when the file is written, adapters merged in, one module at a time. Matrices stand as [in, out], the way
 * products read them; a head that is the embedding's own weight reads that, turned, and is not written twice.
 */
import type { FrozenWeight } from '@loran/adapter';
import type { OnnxAttributes, OnnxGraph, TensorFile, TensorValues } from '@loran/formats';
import type { ModuleSpec, NormSpec } from '../checkpoint/module-spec.js';
import { transposedRuns } from '../checkpoint/value-runs.js';
import type { HiddenActivation } from '../layers/hidden-activation.js';
import { ModelError } from '../model-error.js';
import { graphActivations } from './graph-activations.js';

/** What a graph takes of a model. */
export interface GraphSource {
  readonly specs: readonly ModuleSpec[];
  /** Path of a module -> its frozen weight, for sizes and biases. */
  frozen(path: string): FrozenWeight;
  isConv1d(path: string): boolean;
  /** Path of the embedding whose weight this head is. */
  tiedTo(path: string): string | undefined;
  /** Name in the model's class -> name in `weights`. */
  readonly names: ReadonlyMap<string, string>;
  /** The merged values. */
  readonly weights: Pick<TensorFile, 'values'>;
}

export interface ModelGraphOptions {
  /** What matrices are kept in; they are widened in the graph. Default F32. */
  readonly dtype?: 'F32' | 'F16';
  /** Paths of linear layers that get inputs for an adapter's matrices; default none. */
  readonly adapterInputs?: ReadonlySet<string>;
  /** Whether those must be given; default: they may be left out. */
  readonly adapterInputsRequired?: boolean;
  /** Sees each weight before it is written; default: as it is. */
  readonly onWeight?: (weight: TensorValues<'F32' | 'F16'>) => TensorValues<'F32' | 'F16'>;
}

/** Names of the inputs that an adapter of a layer fills: A [in, rank], B [rank, out] with the scaling in it. */
export const adapterInputNames = (path: string) => ({ A: `${path}.lora_A.weight`, B: `${path}.lora_B.weight` });

export class ModelGraph {
  readonly onnx: OnnxGraph;
  readonly #source: GraphSource;
  readonly #dtype: 'F32' | 'F16';
  readonly #adapterInputs: ReadonlySet<string>;
  readonly #required: boolean;
  readonly #onWeight: NonNullable<ModelGraphOptions['onWeight']>;

  constructor(onnx: OnnxGraph, source: GraphSource, options: ModelGraphOptions = {}) {
    this.onnx = onnx;
    this.#source = source;
    this.#dtype = options.dtype ?? 'F32';
    this.#adapterInputs = options.adapterInputs ?? new Set();
    this.#required = options.adapterInputsRequired ?? false;
    this.#onWeight = options.onWeight ?? ((weight) => weight);
  }

  op(operator: string, inputs: readonly string[], attributes?: OnnxAttributes): string {
    return this.onnx.node(operator, inputs, attributes);
  }

  /** An elementwise operator of a value and a number. */
  with(operator: string, x: string, value: number): string {
    return this.op(operator, [x, this.onnx.scalar('float32', value)]);
  }

  add(a: string, b: string): string {
    return this.op('Add', [a, b]);
  }

  /** c·tanh(x / c) for a cap c; without one x as it is. */
  capped(x: string, cap: number | undefined): string {
    return cap === undefined ? x : this.with('Mul', this.op('Tanh', [this.with('Div', x, cap)]), cap);
  }

  /** `shape`: 0 keeps the size in that place, −1 is what is left. */
  reshape(x: string, shape: readonly number[]): string {
    return this.op('Reshape', [x, this.onnx.constant('int64', shape)]);
  }

  unsqueeze(x: string, axes: readonly number[]): string {
    return this.op('Unsqueeze', [x, this.onnx.constant('int64', axes)]);
  }

  transpose(x: string, perm: readonly number[]): string {
    return this.op('Transpose', [x], { perm });
  }

  activation(name: HiddenActivation, x: string): string {
    return graphActivations[name](this, x);
  }

  /** x [..., in] -> [..., out] */
  linear(path: string, x: string): string {
    const { rows, columns, bias } = this.#source.frozen(path);
    const tied = this.#source.tiedTo(path);
    const product =
      tied === undefined
        ? this.op('MatMul', [x, this.#matrix(path, rows, columns)])
        : this.#tied(tied, x, rows, columns);
    const plain = bias === null ? product : this.add(product, this.#vector(`${path}.bias`, rows));
    if (!this.#adapterInputs.has(path)) return plain;
    const names = adapterInputNames(path);
    const rank = `${path}.rank`;
    const input = (name: string, sizes: readonly (number | string)[]) =>
      this.#required ? this.onnx.input(name, 'float32', sizes) : this.onnx.optionalInput(name, 'float32', sizes);
    const A = input(names.A, [columns, rank]);
    const B = input(names.B, [rank, rows]);
    return this.add(plain, this.op('MatMul', [this.op('MatMul', [x, A]), B]));
  }

  /** ids int64 [...] -> [..., width] */
  embedding(path: string, ids: string): string {
    const { rows, columns } = this.#source.frozen(path);
    return this.#widened(this.op('Gather', [this.#weight(path, [rows, columns]), ids]));
  }

  /** The normalisation of that path over the last axis. */
  norm(path: string, x: string): string {
    const spec = this.#source.specs.find((one): one is NormSpec => one.path === path && 'epsilon' in one);
    if (spec === undefined) {
      throw new ModelError('MISSING_WEIGHTS', `The model was built without its normalisation '${path}'.`);
    }
    const { size, epsilon, offset = 0 } = spec;
    const gamma = this.#vector(`${path}.weight`, size, offset);
    if (spec.kind === 'layer-norm') {
      const beta = this.#vector(`${path}.bias`, size);
      return this.op('LayerNormalization', [x, gamma, beta], { axis: -1, epsilon: { float: epsilon } });
    }
    const squares = this.op('ReduceMean', [this.with('Pow', x, 2), this.onnx.constant('int64', [-1])]);
    const length = this.op('Sqrt', [this.with('Add', squares, epsilon)]); // [..., 1]
    return this.op('Mul', [this.op('Div', [x, length]), gamma]);
  }

  /** x [batch, time, in] times an embedding's weight [rows, columns], turned in the product. */
  #tied(embedding: string, x: string, rows: number, columns: number): string {
    const weight = this.#widened(this.#weight(embedding, [rows, columns]));
    const flat = this.op('Gemm', [this.reshape(x, [-1, columns]), weight], { transB: 1 });
    const sizes = this.op('Shape', [x], { end: -1 });
    return this.op('Reshape', [flat, this.op('Concat', [sizes, this.onnx.constant('int64', [rows])], { axis: 0 })]);
  }

  #matrix(path: string, rows: number, columns: number): string {
    const isTurned = this.#source.isConv1d(path); // stored as [in, out] already
    return this.#widened(this.#weight(path, [columns, rows], isTurned ? undefined : rows));
  }

  /** `turned`: the rows of the stored matrix, which is written the other way round. */
  #weight(path: string, shape: readonly number[], turned?: number): string {
    const name = `${path}.weight`;
    return this.onnx.weight(name, () =>
      this.#onWeight({
        dtype: this.#dtype,
        shape,
        values: () => (turned === undefined ? this.#values(name) : transposedRuns(this.#values(name), turned)),
      }),
    );
  }

  #vector(name: string, size: number, offset = 0): string {
    const values = async function* (runs: AsyncIterable<Float32Array>) {
      for await (const run of runs) yield offset === 0 ? run : run.map((value) => value + offset);
    };
    return this.onnx.weight(name, () => ({ dtype: 'F32', shape: [size], values: () => values(this.#values(name)) }));
  }

  #values(name: string): AsyncIterable<Float32Array> {
    return this.#source.weights.values(this.#source.names.get(name) ?? name);
  }

  #widened(x: string): string {
    return this.#dtype === 'F32' ? x : this.op('Cast', [x], { to: 1 });
  }
}
