/**
 * A model small enough to differentiate by differences, made of slots as real ones are:
 *
 *   ids [2, 3] → tokens [9, 6] → encoder.first [7, 6] with bias → tanh → encoder.second [5, 7] → classifier [4, 5] with bias
 *
 * Its loss is the mean squared distance of the outputs [2, 3, 4] to fixed targets.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { Slot, type Adaptable, type BaseStorage, type Pass, type WeightSource } from '@loran/adapter';
import { randomStream } from '@loran/tensor';

export interface TinyModelOptions {
  readonly storage: BaseStorage;
  /** Features between the two encoder layers; default 7. Adapters of a model of another width do not fit this one. */
  readonly width?: number;
  /** Rows of the embedding; default 9. */
  readonly vocabulary?: number;
  /** Features of the embedding; default 6. */
  readonly embeddingWidth?: number;
  /** Seed of the frozen weights; default 5. */
  readonly seed?: number;
}

export interface TinyModel extends Adaptable {
  /** Outputs [2, 3, 4]; the caller disposes them. */
  run(pass?: Pass): Tensor;
  /** What the outputs should be, [2, 3, 4]. */
  readonly targets: Tensor;
  /** Differentiable in the parameters of active adapters. */
  loss(pass?: Pass): Scalar;
  dispose(): void;
}

export async function tinyModel({
  storage,
  width = 7,
  vocabulary = 9,
  embeddingWidth = 6,
  seed = 5,
}: TinyModelOptions): Promise<TinyModel> {
  const random = randomStream(seed);
  const sources = new Map<string, WeightSource>();
  const store = async (path: string, kind: WeightSource['kind'], rows: number, columns: number, biased: boolean) => {
    const source = await weightSource({ path, kind, rows, columns, biased, seed });
    sources.set(path, source);
    return [path, new Slot(path, await storage.store(source))] as const;
  };
  const slots = new Map([
    await store('tokens', 'embedding', vocabulary, embeddingWidth, false),
    await store('encoder.first', 'linear', width, embeddingWidth, true),
    await store('encoder.second', 'linear', 5, width, false),
    await store('classifier', 'linear', 4, 5, true),
  ]);
  const ids = tf.tensor2d([1, 4, 8, 0, 4, 2], [2, 3], 'int32');
  const targets = random.derive('targets').normal([2, 3, 4], 0, 1);
  const at = (path: string) => slots.get(path)!;

  const run = (pass?: Pass) =>
    tf.tidy(() => {
      const embedded = at('tokens').apply(ids, pass); // [2, 3, 6]
      const hidden = tf.tanh(at('encoder.first').apply(embedded, pass)); // [2, 3, 7]
      return at('classifier').apply(at('encoder.second').apply(hidden, pass), pass); // [2, 3, 4]
    });
  return {
    modules: () => slots,
    outputHead: ['classifier'],
    original: (path) => sources.get(path)?.values(),
    run,
    targets,
    loss: (pass) => tf.tidy(() => tf.mean<Scalar>(tf.square(tf.sub(run(pass), targets)))),
    dispose: () => {
      for (const slot of slots.values()) slot.dispose();
      tf.dispose([ids, targets]);
    },
  };
}

export interface WeightSourceOptions {
  readonly path?: string;
  readonly kind?: WeightSource['kind'];
  readonly rows: number;
  readonly columns: number;
  /** Default true. */
  readonly biased?: boolean;
  readonly seed?: number;
  /** Values of one run; default 11, so that runs end within rows. */
  readonly run?: number;
}

/** A frozen weight on its way into storage: normal values with deviation 0.5, fixed by the seed and the path. */
export async function weightSource(options: WeightSourceOptions): Promise<WeightSource> {
  const { path = 'layer', kind = 'linear', rows, columns, biased = true, seed = 5, run = 11 } = options;
  const random = randomStream(seed).derive(path);
  const read = async (tensor: Tensor) => {
    const values = Float32Array.from(await tensor.data<'float32'>());
    tensor.dispose();
    return values;
  };
  const values = await read(random.derive('weight').normal([rows * columns], 0, 0.5));
  const bias = biased ? await read(random.derive('bias').normal([rows], 0, 0.5)) : null;
  return {
    path,
    kind,
    rows,
    columns,
    bias,
    async *values() {
      for (let start = 0; start < values.length; start += run)
        yield await Promise.resolve(values.slice(start, start + run));
    },
  };
}
