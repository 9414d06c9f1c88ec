/** Recomputed updates: the gradients of plain autodiff, with nothing of the weight's size kept from one pass to the other. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { linear, openEngine, portableEngine, randomStream, variable } from '@loran/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { recomputed, sumOf } from './recomputed.js';
import { bf16 } from './storage/bf16.js';
import { frozenTensor } from './storage/fp32.js';
import { updateProduct, updateRows } from './storage/recomputed-product.js';

beforeAll(() => openEngine(portableEngine('cpu')));

const [rows, columns, rank] = [96, 128, 2];
const weightBytes = 4 * rows * columns;
const random = randomStream(5);
const normal = (label: string, shape: number[]) => random.derive(label).normal(shape, 0, 0.3);

/** scale · sin(ω·B·A), with ω read by closure. */
class Wave {
  readonly A = variable(normal('A', [rank, columns])) as Variable & Tensor2D;
  readonly B = variable(normal('B', [rows, rank])) as Variable & Tensor2D;
  readonly frequency = variable(tf.scalar(3));
  readonly scale = tf.scalar(0.7);
  readonly plain = (A: Tensor = this.A, scale: Tensor = this.scale): Tensor2D =>
    tf.tidy(() => tf.mul(tf.sin(tf.mul(this.frequency, tf.matMul<Tensor2D>(this.B, A as Tensor2D))), scale));
  readonly recomputed = (x: Tensor): Tensor2D => {
    const scale = tf.clone(this.scale); // gone when the forward pass ends
    return recomputed({ inputs: [this.A, scale, this.B, this.frequency], form: this.plain }, x);
  };
  readonly variables = [this.A, this.B, this.frequency];
}

async function storages() {
  const values = await normal('W', [rows, columns]).data<'float32'>();
  const source = { kind: 'linear', path: 'dense', rows, columns, bias: null } as const;
  const stored = await bf16.store({ ...source, async *values () { yield await Promise.resolve(values); } }); // prettier-ignore
  return { fp32: frozenTensor(tf.tensor2d(values, [rows, columns])), bf16: stored };
}

/** The gradients of Σ y² in x and the variables, and the bytes that the forward pass leaves for them. */
function gradients(x: Variable, variables: Variable[], forward: (x: Tensor) => Tensor) {
  let kept = 0;
  const { value, grads } = tf.variableGrads(() => {
    const before = tf.memory().numBytes;
    const y = tf.tidy(() => forward(x));
    kept = tf.memory().numBytes - before - 4 * y.size;
    return tf.sum(tf.square(y)) as Scalar;
  }, [x, ...variables]);
  value.dispose();
  return { gradients: [x, ...variables].map(({ name }) => [...grads[name]!.dataSync()]), kept };
}

describe.each(['fp32', 'bf16'] as const)('over %s', (name) => {
  const wave = () => new Wave();
  const x = () => variable(normal('x', [1, 3, columns]));

  test('one update', async () => {
    const [frozen, one, input] = [(await storages())[name], wave(), x()];
    const plain = gradients(input, one.variables, (x) => linear(x, tf.add(frozen.weight(), one.plain())));
    const ours = gradients(input, one.variables, (x) => frozen.apply(x, one.recomputed(x)));
    expect(ours.gradients).toEqual(plain.gradients);
    expect(plain.kept).toBeGreaterThan(weightBytes);
    expect(ours.kept).toBeLessThan(weightBytes / 2);
  });

  test('the sum of two', async () => {
    const [frozen, one, two, input] = [(await storages())[name], wave(), wave(), x()];
    const variables = [...one.variables, ...two.variables];
    const plain = gradients(input, variables, (x) => linear(x, tf.add(frozen.weight(), tf.add(one.plain(), two.plain())))); // prettier-ignore
    const ours = gradients(input, variables, (x) => frozen.apply(x, sumOf(one.recomputed(x), two.recomputed(x))));
    expect(ours.gradients).toEqual(plain.gradients);
    expect(ours.kept).toBeLessThan(weightBytes / 2);
  });

  test('one beside a tensor that is kept', async () => {
    const [frozen, one, input] = [(await storages())[name], wave(), x()];
    const other = variable(normal('other', [rows, columns])) as Variable & Tensor2D;
    const variables = [...one.variables, other];
    const plain = gradients(input, variables, (x) => linear(x, tf.add(frozen.weight(), tf.add(one.plain(), other))));
    const ours = gradients(input, variables, (x) => frozen.apply(x, sumOf<Tensor2D>(one.recomputed(x), other)));
    expect(ours.gradients).toEqual(plain.gradients);
  });
});

test('multiplied apart from the weight', () => {
  const [one, input] = [new Wave(), variable(normal('x', [5, columns]))];
  const plain = gradients(input, one.variables, (x) => linear(x, one.plain()));
  const ours = gradients(input, one.variables, (x) => updateProduct(x, one.recomputed(x)));
  expect(ours.gradients).toEqual(plain.gradients);
  expect(ours.kept).toBeLessThan(weightBytes / 2);
});

test('read by row, as an embedding is', () => {
  const one = new Wave();
  const ids = tf.tensor1d([3, 3, 17], 'int32');
  const unused = variable(tf.scalar(0));
  const plain = gradients(unused, one.variables, (x) => tf.add(x, tf.gather(one.plain(), ids)));
  const ours = gradients(unused, one.variables, (x) => tf.add(x, updateRows(one.recomputed(ids), ids)));
  expect(ours.gradients).toEqual(plain.gradients);
  expect(ours.kept).toBeLessThan(weightBytes / 2);
});
