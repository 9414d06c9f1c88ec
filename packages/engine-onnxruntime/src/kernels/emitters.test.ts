/**
 * What emitters promise, on all cases of the kernel table: every value has the shape and type that is declared for it, and
 * equal keys emit equal operators (the compiled graph of one node serves every node of its key).
 */
import type { DataId, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { casesOf } from '../__fixtures__/kernel-cases/index.js';
import type { KernelCase, TensorSpec } from '../__fixtures__/kernel-cases/kernel-case.js';
import { nodeKey } from '../graph/node-key.js';
import { storedShape } from '../graph/node.js';
import { GraphBuilder } from '../onnx/graph-builder.js';
import { storedType } from './define-kernel.js';
import { kernels } from './index.js';
import type { Attrs, Emit, LazyBackend, OutputSpec, Value } from './kernel.js';

interface Appended {
  readonly op: string;
  readonly emit: Emit;
  readonly inputs: readonly TensorInfo[];
  readonly attrs: Attrs;
  readonly outputs: readonly OutputSpec[];
}

/** A tensor whose data id is its values. */
const info = (values: unknown, shape: readonly number[], dtype: DataType): TensorInfo => ({
  dataId: { values } as DataId,
  shape: [...shape],
  dtype,
});
const valuesOf = (dataId: DataId): ArrayLike<number> => (dataId as { values: ArrayLike<number> }).values;

/** Appends nothing and keeps what would have been. */
function recorder(): { backend: LazyBackend; appended: Appended[] } {
  const appended: Appended[] = [];
  const backend: LazyBackend = {
    append(op, emit, inputs, attrs, outputs) {
      appended.push({ op, emit, inputs, attrs, outputs });
      return outputs.map(({ shape, dtype }) => info(null, shape, dtype));
    },
    share: (x, shape = x.shape, dtype = x.dtype) => ({ ...x, shape, dtype }),
    constant: (values, shape, dtype) => info(values, shape, dtype),
    release: () => undefined,
    storedType: ({ dtype }) => storedType(dtype),
    readSync: (dataId) => valuesOf(dataId) as Float32Array,
  };
  return { backend, appended };
}

const onHost = ({ values, shape, dtype }: TensorSpec): TensorInfo =>
  info(
    dtype === 'float32' || dtype === 'complex64' ? Float32Array.from(values, Number) : Int32Array.from(values, Number),
    shape,
    dtype,
  );

function record(kernelName: string, { inputs, attributes = {} }: KernelCase): Appended[] {
  const { backend, appended } = recorder();
  const tensors = Array.isArray(inputs)
    ? inputs.map(onHost)
    : Object.fromEntries(Object.entries(inputs).map(([name, spec]) => [name, onHost(spec)]));
  const kernel = kernels.find((definition) => definition.kernelName === kernelName);
  kernel?.kernelFunc({ inputs: tensors as never, attrs: attributes, backend });
  return appended;
}

/** Notes every value that the graph makes, but for those inside branches, which cannot be outputs. */
function watch(graph: GraphBuilder): Value[] {
  const watched: Value[] = [];
  let inBranch = 0;
  const node = graph.node.bind(graph);
  const nodes = graph.nodes.bind(graph);
  const branch = graph.branch.bind(graph);
  const keep = <T extends Value | Value[]>(made: T): T => {
    if (inBranch === 0) watched.push(...[made].flat());
    return made;
  };
  graph.node = (...all) => keep(node(...all));
  graph.nodes = (...all) => keep(nodes(...all));
  graph.branch = (condition, spec, yes, no) => {
    inBranch++;
    const made = branch(condition, spec, yes, no);
    inBranch--;
    return keep(made);
  };
  return watched;
}

/** Emits a node into a graph; its inputs are graph inputs named by `prefix`. */
function emitInto(graph: GraphBuilder, { emit, inputs, attrs, outputs }: Appended, prefix: string): void {
  const values = inputs.map(({ shape, dtype }, i) =>
    graph.input(`${prefix}${i}`, storedType(dtype), storedShape(shape, dtype)),
  );
  emit(graph, values, attrs, outputs);
}

function feedsOf({ inputs }: Appended, prefix: string): [string, Tensor][] {
  return inputs.map(({ dataId, shape, dtype }, i) => [
    `${prefix}${i}`,
    new Tensor(storedType(dtype) as 'float32', Array.from(valuesOf(dataId)), [...storedShape(shape, dtype)]),
  ]);
}

const hasText = ({ inputs }: KernelCase): boolean =>
  Object.values(inputs).some(({ dtype }: TensorSpec) => dtype === 'string');

for (const [name, cases] of casesOf) {
  const recorded = cases.flatMap(([, kernelCase]) => (hasText(kernelCase) ? [] : record(name, kernelCase)));
  if (recorded.length === 0) continue;

  // A graph that has bfloat16 is written in a newer version of the operators.
  test.each(['without', 'with'])(`${name}: values are as declared, %s bfloat16 in the graph`, async (having) => {
    const graph = new GraphBuilder();
    if (having === 'with')
      graph.output(graph.node('BitCast', [graph.scalar('uint16', 0)], { type: 'uint16', shape: [] }, { to: 4 }));
    const watched = watch(graph);
    for (const [i, appended] of recorded.entries()) emitInto(graph, appended, `case ${i}, input `);
    for (const value of watched) graph.output(value);
    const session = await InferenceSession.create(graph.model(), {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    });
    const feeds = recorded.flatMap((appended, i) => feedsOf(appended, `case ${i}, input `));
    const result = await session.run(Object.fromEntries(feeds));
    const found = watched.map(({ name: value }) => ({ value, type: result[value]?.type, shape: result[value]?.dims }));
    expect(found).toEqual(watched.map(({ name: value, type, shape }) => ({ value, type, shape })));
    await session.release();
  });

  test(`${name}: equal keys, equal operators`, () => {
    const known = new Map<string, string>();
    for (const appended of recorded) {
      const { op, attrs, inputs, outputs } = appended;
      const types = inputs.map(({ dtype, shape }) => `${storedType(dtype)}[${storedShape(shape, dtype).join()}]`);
      const key = [nodeKey(op, attrs, outputs, false), ...types].join();
      const graph = new GraphBuilder();
      emitInto(graph, appended, 'input ');
      const model = Buffer.from(graph.model()).toString('latin1');
      expect(known.get(key) ?? model).toBe(model);
      known.set(key, model);
    }
  });
}
