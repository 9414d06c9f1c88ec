/**
 * Operations that were appended once, to be appended again with other inputs: a step that comes over and over (a token of a
 * generation) then costs no building of its graph, only copies of its nodes.
 *
 * Copies are nodes like any other. Equal keys make the same plan, so the compiled graph is found and nothing else changes: order,
 * errors and recovery are those of the operations themselves.
 */
import { LoranError } from '@loran/plugin';
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { type Entry, Node } from '../graph/node.js';
import { sameShape } from '../graph/plan.js';

interface Operand {
  readonly entry: Entry;
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** What a recording asks of the backend. */
export interface RecordingHost {
  /** The entry of a tensor, here. */
  entryOf(info: TensorInfo): Entry;
  /** The next number of a node. */
  serial(): number;
  /** Takes an entry in that a copied node makes, for one tensor. */
  make(entry: Entry): unknown;
  /** Counts a reference more or less. */
  hold(entry: Entry): unknown;
  release(entry: Entry): void;
}

export class Recording {
  readonly #host: RecordingHost;
  readonly #inputs: readonly Operand[];
  readonly #nodes: Node[] = [];
  readonly #made = new Set<Entry>();
  /** What the nodes read besides inputs: weights and constants, which stay alive with the recording. */
  readonly #held = new Set<Entry>();
  #outputs: readonly Operand[] = [];
  #isDisposed = false;

  constructor(host: RecordingHost, inputs: readonly TensorInfo[]) {
    this.#host = host;
    this.#inputs = inputs.map((info) => this.#operand(info));
  }

  add(node: Node): void {
    this.#nodes.push(node);
    for (const { entry } of node.inputs) this.#keep(entry);
    for (const entry of node.outputs) this.#made.add(entry);
  }

  finish(outputs: readonly TensorInfo[]): void {
    this.#outputs = outputs.map((info) => this.#operand(info));
    for (const { entry } of this.#outputs) this.#keep(entry);
  }

  /** Appends copies that read these inputs. Throws SHAPE_MISMATCH for others than were recorded. */
  repeat(inputs: readonly TensorInfo[]): TensorInfo[] {
    const now = new Map<Entry, Entry>();
    for (const [i, { entry, shape, dtype }] of this.#inputs.entries()) {
      const given = inputs[i];
      if (given?.dtype !== dtype || !sameShape(given.shape, shape)) {
        throw new LoranError(
          'SHAPE_MISMATCH',
          `Input ${i} of recorded operations is ${given === undefined ? 'missing' : `${given.dtype} [${given.shape.join(', ')}]`}; recorded was ${dtype} [${shape.join(', ')}]. Record again.`,
        );
      }
      now.set(entry, this.#host.entryOf(given));
    }
    for (const { op, emit, inputs, attrs, specs, key, callSite, outputs } of this.#nodes) {
      const operands = inputs.map((input) => {
        const entry = now.get(input.entry);
        return entry === undefined ? input : { ...input, entry };
      });
      const copy = new Node(this.#host.serial(), op, emit, operands, attrs, specs, key, callSite);
      for (const [i, entry] of outputs.entries()) now.set(entry, copy.outputs[i]!);
    }
    const taken = new Set<Entry>();
    return this.#outputs.map(({ entry: recorded, shape, dtype }) => {
      const entry = now.get(recorded) ?? recorded;
      if (this.#made.has(recorded) && !taken.has(entry)) this.#host.make(entry);
      else this.#host.hold(entry);
      taken.add(entry);
      return { dataId: entry, shape: [...shape], dtype };
    });
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  dispose(): void {
    this.#isDisposed = true;
    for (const entry of this.#held) this.#host.release(entry);
    this.#held.clear();
    this.#nodes.length = 0;
  }

  #operand(info: TensorInfo): Operand {
    return { entry: this.#host.entryOf(info), shape: [...info.shape], dtype: info.dtype };
  }

  #keep(entry: Entry): void {
    if (this.#made.has(entry) || this.#held.has(entry) || this.#inputs.some((input) => input.entry === entry)) return;
    this.#host.hold(entry);
    this.#held.add(entry);
  }
}
