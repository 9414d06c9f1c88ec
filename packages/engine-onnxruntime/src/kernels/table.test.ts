/**
 * Every kernel against tfjs's cpu backend, on the cases of `__fixtures__/kernel-cases`: dtype, shape and values have to agree.
 * All cases of a kernel are computed as one graph.
 */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { openEngine } from '@loran/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { casesOf } from '../__fixtures__/kernel-cases/index.js';
import { type KernelCase, tensor } from '../__fixtures__/kernel-cases/kernel-case.js';
import { onnxruntime } from '../engine.js';
import { kernels } from './index.js';

interface Output {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly unknown[];
}

beforeAll(() => openEngine(onnxruntime, { device: 'cpu' }));
afterAll(() => onnxruntime.close());

/** The outputs of each case on a backend. */
async function run(name: string, cases: readonly KernelCase[], backend: 'cpu' | 'onnxruntime'): Promise<Output[][]> {
  await tf.setBackend(backend);
  const inputs: tf.Tensor[] = [];
  const made = (spec: Parameters<typeof tensor>[0]): tf.Tensor => {
    const input = tensor(spec);
    inputs.push(input);
    return input;
  };
  const results = cases.map(({ inputs: specs, attributes = {} }) => {
    const tensors = Array.isArray(specs)
      ? specs.map(made)
      : Object.fromEntries(Object.entries(specs).map(([key, spec]) => [key, made(spec)]));
    return [tf.engine().runKernel(name, tensors as tf.NamedTensorMap, attributes as tf.NamedAttrMap)].flat();
  });
  const outputs = await Promise.all(
    results.map((tensors) =>
      Promise.all(
        tensors.map(async (output) => ({
          dtype: output.dtype,
          shape: output.shape,
          values: Array.from((await output.data()) as ArrayLike<unknown>),
        })),
      ),
    ),
  );
  tf.dispose([...inputs, ...results.flat()]);
  return outputs;
}

/** What is wrong about an output, in words. */
function differences(actual: Output | undefined, expected: Output, tolerance: number): string[] {
  const kind = ({ dtype, shape, values }: Output): string => `${dtype}[${shape.join()}] of ${values.length}`;
  if (actual === undefined) return ['missing'];
  if (kind(actual) !== kind(expected)) return [`${kind(actual)} instead of ${kind(expected)}`];
  const finite = expected.values.map(Number).filter(Number.isFinite);
  const margin = tolerance * finite.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-3);
  return expected.values.flatMap((wanted, i) => {
    const found = actual.values[i];
    const near = typeof wanted === 'number' && typeof found === 'number' && Math.abs(found - wanted) <= margin;
    const same = near || Object.is(found, wanted) || (wanted instanceof Uint8Array && String(found) === String(wanted));
    return same ? [] : [`[${i}]: ${String(found)} instead of ${String(wanted)}`];
  });
}

test.each([...casesOf])('%s', async (name, cases) => {
  const list = cases.map(([, kernelCase]) => kernelCase);
  const expected = await run(name, list, 'cpu');
  const actual = await run(name, list, 'onnxruntime');
  const wrong = cases.flatMap(([label, { tolerance = 1e-5 }], i) =>
    (expected[i] ?? []).flatMap((output, k) =>
      differences(actual[i]?.[k], output, output.dtype === 'int32' || output.dtype === 'bool' ? 0 : tolerance).map(
        (difference) => `${label}, output ${k} ${difference}`,
      ),
    ),
  );
  expect(wrong).toEqual([]);
});

/** Kernels with a test of their own: other random numbers than tfjs's, no counterpart in tfjs's cpu backend. */
const elsewhere = ['LoranAfter', 'LoranInt8Product', 'LoranRandomUniform', 'LogSoftmax', 'Multinomial'];

test('no kernel is without a case', () => {
  const names = kernels.map(({ kernelName }) => kernelName);
  expect(names.filter((name) => !casesOf.has(name) && !elsewhere.includes(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});
