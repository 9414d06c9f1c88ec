/**
 * The lazy graph: entries are tensors' data, nodes are tfjs kernels that have not been run.
 *
 * An entry is at the same time the tfjs `DataId` of its tensors. Its values are pending (made by `node`), on the host
 * (`values`: small, or strings) or in the runtime's worker (under the number `id`).
 */
import type { BackendValues, DataType } from '@tensorflow/tfjs-core';
import type { Attrs, Emit, OnnxType, OutputSpec } from '../kernels/kernel.js';

export class Entry {
  /** The backend that has it. */
  owner: object | null = null;
  /** References held by tensors; 0 once disposed. */
  references = 1;
  /** What makes it, while it is pending. */
  node: Node | null = null;
  /** Values on the host. */
  values: BackendValues | null = null;
  /** Number in the worker; 0 while it is not there. */
  id = 0;

  /** Scratch of the planner: the plan that last met it as a leaf, and its graph inputs there. */
  met = 0;
  leaves: Leaf[] = [];

  constructor(
    /** As stored. */
    readonly shape: readonly number[],
    readonly dtype: DataType,
    /** How it is stored; null for strings, which never leave the host. */
    readonly type: OnnxType | null,
  ) {}
}

/** An input of a node: an entry, as the kernel was given it (tensors that share an entry may differ in shape). */
export interface NodeInput {
  readonly entry: Entry;
  readonly shape: readonly number[];
  /** The type that the emitter expects: the tfjs dtype's, or the stored one for raw kernels. */
  readonly type: OnnxType;
}

export class Node {
  readonly outputs: Entry[];
  /** Scratch of the planner: the plan that last met it, and its position there. */
  met = 0;
  position = 0;

  constructor(
    /** Increases with creation, so that ascending order is an order of computation. */
    readonly serial: number,
    readonly op: string,
    readonly emit: Emit,
    readonly inputs: readonly NodeInput[],
    readonly attrs: Attrs,
    readonly specs: readonly OutputSpec[],
    /** Everything but the inputs that decides what it emits. */
    readonly key: string,
    /** Where the op was called, if that is kept. */
    readonly callSite: string | null = null,
  ) {
    this.outputs = specs.map((spec) => {
      const entry = new Entry(storedShape(spec.shape, spec.dtype), spec.dtype, spec.type ?? storedType(spec.dtype));
      entry.node = this;
      return entry;
    });
  }
}

/** A graph input: an entry's values, read in one shape. */
export interface Leaf {
  readonly entry: Entry;
  readonly shape: readonly number[];
  readonly number: number;
}

/** The ONNX type in which a tfjs dtype is stored; null for strings, which no graph holds. */
export function storedType(dtype: DataType): OnnxType | null {
  if (dtype === 'string') return null;
  return dtype === 'int32' || dtype === 'bool' ? dtype : 'float32';
}

/** The shape in which a tensor is stored: complex64 as pairs of float32, on an axis of their own. */
export function storedShape(shape: readonly number[], dtype: DataType): readonly number[] {
  return dtype === 'complex64' ? [...shape, 2] : shape;
}

/** What a person would call it: "BatchMatMul of float32[2,3], float32[4,5]", and where it was called. */
export function describeNode({ op, inputs, callSite }: Node): string {
  const operands = inputs.map(({ entry, shape }) => `${entry.dtype}[${shape.join(',')}]`);
  const place = callSite === null ? '' : ` (called at ${callSite})`;
  return `${op}${operands.length === 0 ? '' : ` of ${operands.join(', ')}`}${place}`;
}
