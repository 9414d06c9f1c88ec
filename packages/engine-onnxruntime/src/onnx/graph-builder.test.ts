import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import type { OnnxType } from '../kernels/kernel.js';
import { float, GraphBuilder, microsoft } from './graph-builder.js';

// onnxruntime itself is the parser: what it reads back is what was written.
const open = (graph: GraphBuilder): Promise<InferenceSession> => InferenceSession.create(graph.model());

test('inputs and outputs keep name, type and shape', async () => {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', [2, 3]);
  const scalar = graph.input('scalar', 'int32', []);
  graph.output(graph.node('Neg', [x], x), 'negative');
  graph.output(graph.node('Cast', [scalar], { type: 'bool', shape: [] }, { to: 9 }), 'truth');
  const session = await open(graph);
  expect(session.inputMetadata).toMatchObject([
    { name: 'x', type: 'float32', shape: [2, 3] },
    { name: 'scalar', type: 'int32', shape: [] },
  ]);
  expect(session.outputMetadata).toMatchObject([
    { name: 'negative', type: 'float32', shape: [2, 3] },
    { name: 'truth', type: 'bool', shape: [] },
  ]);
  const { negative, truth } = await session.run({
    x: new Tensor('float32', [1, 2, 3, 4, 5, 6], [2, 3]),
    scalar: new Tensor('int32', [7], []),
  });
  expect([...(negative?.data as Float32Array)]).toEqual([-1, -2, -3, -4, -5, -6]);
  expect([...(truth?.data as Uint8Array)]).toEqual([1]);
  await session.release();
});

test.each<[OnnxType, number[]]>([
  ['float32', [0.1, -0, Infinity]],
  ['int32', [-2147483648, 0, 2147483647]],
  ['uint32', [0, 1, 4294967295]],
  ['int64', [-1, 0, 2 ** 40]],
  ['uint8', [0, 128, 255]],
  ['int8', [-128, -1, 127]],
  ['bool', [0, 1, 1]],
])('constants of type %s arrive as written', async (type, values) => {
  const graph = new GraphBuilder();
  graph.output(graph.constant(type, values, [3]), 'out');
  const session = await open(graph);
  const { out } = await session.run({});
  expect(out?.type).toBe(type);
  expect(Array.from(out?.data as Float32Array, Number)).toEqual(
    values.map((v) => (type === 'float32' ? Math.fround(v) : v)),
  );
  await session.release();
});

test('constants with the same contents are one; other types, shapes or a negative zero are not', () => {
  const graph = new GraphBuilder();
  const one = graph.constant('float32', [1, 2], [2]);
  expect(graph.constant('float32', [1, 2], [2])).toBe(one);
  const others = [
    graph.constant('int32', [1, 2], [2]),
    graph.constant('float32', [1, 2], [1, 2]),
    graph.scalar('float32', 0),
    graph.scalar('float32', -0),
    graph.integers([1, 2]),
  ];
  expect(new Set([one, ...others].map(({ name }) => name)).size).toBe(6);
});

test('attributes: integer, float, string and a list; an undefined one and an optional input are left out', async () => {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', [2, 3]);
  const transposed = graph.node('Transpose', [x], { type: 'float32', shape: [3, 2] }, { perm: [1, 0] });
  const leaky = graph.node('LeakyRelu', [transposed], transposed, { alpha: float(0.5), absent: undefined });
  const clipped = graph.node('Clip', [leaky, undefined, graph.scalar('float32', 2)], leaky);
  const padded = graph.node(
    'Pad',
    [clipped, graph.integers([0, 1, 0, 0])],
    { type: 'float32', shape: [3, 3] },
    { mode: 'reflect' },
  );
  const product = graph.node('FusedMatMul', [padded, padded], padded, { transA: 1, alpha: float(2) }, microsoft);
  graph.output(padded, 'padded');
  graph.output(product, 'product');
  const session = await open(graph);
  const result = await session.run({ x: new Tensor('float32', [1, -2, 3, -4, 0, 1], [2, 3]) });
  expect([...(result['padded']?.data as Float32Array)]).toEqual([-2, 1, -2, 0, -1, 0, 1, 2, 1]);
  // 2 · PᵀP, by hand
  expect([...(result['product']?.data as Float32Array)]).toEqual([10, 0, 10, 0, 12, 0, 10, 0, 10]);
  await session.release();
});

test('an operator with several outputs, one of them unused', async () => {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', [4]);
  const [values, indices] = graph.nodes(
    'TopK',
    [x, graph.integers([2])],
    [
      { type: 'float32', shape: [2] },
      { type: 'int64', shape: [2] },
    ],
  );
  expect(values?.shape).toEqual([2]);
  graph.output(indices!, 'indices');
  const session = await open(graph);
  const { indices: found } = await session.run({ x: new Tensor('float32', [3, 9, 1, 5], [4]) });
  expect(Array.from(found?.data as BigInt64Array, Number)).toEqual([1, 3]);
  await session.release();
});

test('the scope names the nodes, so that errors of the runtime can be placed', async () => {
  const graph = new GraphBuilder();
  graph.scope = 'BatchMatMul#3/';
  const x = graph.input('x', 'float32', [2, 3]);
  graph.output(graph.node('MatMul', [x, x], { type: 'float32', shape: [2, 3] }), 'y');
  await expect(open(graph)).rejects.toThrow(/BatchMatMul#3\/MatMul/);
});

test('a branch computes the one of its two values that the condition asks for', async () => {
  const graph = new GraphBuilder();
  const [x, flag] = [graph.input('x', 'float32', [2]), graph.input('flag', 'bool', [])];
  const doubled = graph.node('Add', [x, x], x);
  const chosen = graph.branch(
    flag,
    x,
    () => graph.node('Neg', [doubled], x),
    () => doubled,
  );
  graph.output(graph.node('Abs', [chosen], x), 'size');
  graph.output(chosen, 'chosen');
  const session = await open(graph);
  for (const [condition, expected] of [
    [1, [-2, 6]],
    [0, [2, -6]],
  ] as const) {
    const result = await session.run({
      x: new Tensor('float32', [1, -3], [2]),
      flag: new Tensor('bool', [condition], []),
    });
    expect([...(result['chosen']?.data as Float32Array)]).toEqual(expected);
    expect([...(result['size']?.data as Float32Array)]).toEqual([2, 6]);
  }
  await session.release();
});
