/**
 * What to do when a run fails: find the op that did it, mark the tensors that depend on it as failed, compute the others.
 *
 * ONNX Runtime's messages quote node names, and `compile` puts the node's position into each name. Where a message names none,
 * the wanted tensors are tried in halves until single ones are left.
 */
import { compile, EmitFailure } from '../graph/compile.js';
import { describeNode, type Entry, type Node } from '../graph/node.js';
import { plan, type NodeOf, type Plan } from '../graph/plan.js';
import type { Failure, Model, Recovery } from '../worker/protocol.js';

/** A run that was posted: what it computes, under which numbers. */
export interface PostedRun {
  readonly plan: Plan;
  readonly ids: ReadonlyMap<Entry, number>;
}

interface Attempt {
  readonly plan: Plan;
  readonly wanted: readonly Entry[];
}

export class RunRecovery {
  readonly #ids: ReadonlyMap<Entry, number>;
  readonly #nodeOf: NodeOf;
  readonly #groups: (readonly Entry[])[] = [];
  readonly #failures: Failure[] = [];
  #current: Attempt;

  constructor({ plan, ids }: PostedRun) {
    this.#ids = ids;
    const makers = new Map<Entry, Node>();
    for (const node of plan.nodes) for (const output of node.outputs) makers.set(output, node);
    this.#nodeOf = (entry) => makers.get(entry);
    this.#current = { plan, wanted: plan.outputs };
  }

  /** Takes in a failure of the current attempt: of an emitter or in the runtime. */
  failed(failure: unknown): void {
    const message = failure instanceof Error ? failure.message : String(failure);
    this.#split(message, failure instanceof EmitFailure ? failure.node : this.#current.plan.nodes[positionIn(message)]);
  }

  /** Takes in that leaves of the current attempt had failed before. */
  inputsFailed(inputs: readonly { readonly position: number; readonly message: string }[]): void {
    let rest = this.#current.wanted;
    for (const { position, message } of inputs) {
      const leaf = this.#current.plan.leaves[position];
      if (leaf === undefined) continue;
      const tainted = this.#dependents(this.#current.plan, new Set([leaf.entry]));
      rest = this.#reject(rest, tainted, message);
    }
    if (rest.length > 0) this.#groups.push(rest);
  }

  /** The next thing to tell the worker. */
  next(): Recovery {
    for (let group = this.#groups.pop(); group !== undefined; group = this.#groups.pop()) {
      this.#current = { plan: plan(group, this.#nodeOf), wanted: group };
      try {
        const model: Model = compile(this.#current.plan);
        const inputs = Float64Array.from(this.#current.plan.leaves, ({ entry }) => entry.id);
        const outputs = Float64Array.from(this.#current.plan.outputs, (entry) => this.#ids.get(entry) ?? 0);
        return { kind: 'attempt', model, inputs, outputs };
      } catch (error) {
        this.failed(error);
      }
    }
    return { kind: 'resume', failures: this.#failures };
  }

  /** Rejects what depends on `node`; without a node, narrows down by halves. */
  #split(message: string, node: Node | undefined): void {
    const { plan, wanted } = this.#current;
    if (node !== undefined) {
      const rest = this.#reject(wanted, this.#dependents(plan, new Set(node.outputs)), explain(node, message));
      if (rest.length < wanted.length) {
        if (rest.length > 0) this.#groups.push(rest);
        return;
      }
    }
    if (wanted.length > 1) {
      const middle = wanted.length >> 1;
      this.#groups.push(wanted.slice(middle), wanted.slice(0, middle));
      return;
    }
    const maker = wanted[0] === undefined ? undefined : this.#nodeOf(wanted[0]);
    this.#reject(wanted, new Set(wanted), maker ? explain(maker, message) : message);
  }

  #reject(wanted: readonly Entry[], tainted: ReadonlySet<Entry>, message: string): readonly Entry[] {
    for (const entry of wanted) {
      if (tainted.has(entry)) this.#failures.push({ id: this.#ids.get(entry) ?? 0, message });
    }
    return wanted.filter((entry) => !tainted.has(entry));
  }

  /** The entries given, and all that is made from them. */
  #dependents({ nodes }: Plan, tainted: Set<Entry>): Set<Entry> {
    for (const node of nodes) {
      if (node.inputs.some(({ entry }) => tainted.has(entry))) for (const output of node.outputs) tainted.add(output);
    }
    return tainted;
  }
}

/** The position that the first node name in a message tells; -1 where there is none. */
function positionIn(message: string): number {
  const [, position] = /\bn(\d+)\/\w/.exec(message) ?? [];
  return position === undefined ? -1 : Number(position);
}

function explain(node: Node, message: string): string {
  return `${describeNode(node)} failed: ${message.replace(/\bn\d+\//g, '')}`;
}
