/**
 * From pending tensors to one graph: what has to be computed, in which order, from which leaves, and the key of its structure.
 *
 * Two plans with equal keys compile to the same model, whatever the values: the key spells out every node with its attributes,
 * where its inputs come from, and the type and shape of each leaf. It is a string compared whole, so there are no collisions.
 */
import type { Entry, Leaf, Node } from './node.js';

export interface Plan {
  readonly key: string;
  /** In an order of computation; `node.position` is the index here until the next plan. */
  readonly nodes: readonly Node[];
  readonly leaves: readonly Leaf[];
  /** The wanted entries, in the order of the nodes that make them. */
  readonly outputs: readonly Entry[];
}

/** Where an entry comes from; a recovery plans entries that are no longer pending. */
export type NodeOf = (entry: Entry) => Node | null | undefined;

let plans = 0;

export function plan(wanted: Iterable<Entry>, nodeOf: NodeOf = (entry) => entry.node): Plan {
  const current = ++plans;
  const targets = [...wanted];
  const nodes = reach(targets, nodeOf, current);
  const leaves: Leaf[] = [];

  let key = '';
  for (const [position, node] of nodes.entries()) {
    node.position = position;
    key += node.key;
    for (const { entry, shape, type } of node.inputs) {
      const source = nodeOf(entry);
      if (source) {
        const index = source.outputs.indexOf(entry);
        key += index === 0 ? `,${source.position}` : `,${source.position}.${index}`;
        if (shape !== entry.shape && !sameShape(shape, entry.shape)) key += `(${shape.join()})`;
      } else {
        const known = leafOf(entry, shape, current);
        const leaf = known ?? addLeaf(leaves, entry, shape);
        key += known === undefined ? `,L${leaf.number}:${entry.type}${shape.join()}` : `,L${leaf.number}`;
      }
      if (type !== entry.type) key += `:${type}`;
    }
    key += ';';
  }
  const outputs = targets.sort((a, b) => placeOf(a, nodeOf) - placeOf(b, nodeOf));
  for (const output of outputs) key += `>${placeOf(output, nodeOf)}`;
  return { key, nodes, leaves, outputs };
}

/** Whether the entry is a leaf of the plan made last. */
export function isLeafOfLastPlan(entry: Entry): boolean {
  return entry.met === plans;
}

function reach(targets: readonly Entry[], nodeOf: NodeOf, current: number): Node[] {
  const nodes: Node[] = [];
  const visit = (entry: Entry) => {
    const node = nodeOf(entry);
    if (!node || node.met === current) return;
    node.met = current;
    nodes.push(node);
  };
  targets.forEach(visit);
  // The list grows while it is walked.
  for (const node of nodes) for (const { entry } of node.inputs) visit(entry);
  return nodes.sort((a, b) => a.serial - b.serial);
}

function leafOf(entry: Entry, shape: readonly number[], current: number): Leaf | undefined {
  if (entry.met !== current) {
    entry.met = current;
    entry.leaves = [];
  }
  return entry.leaves.find((leaf) => leaf.shape === shape || sameShape(leaf.shape, shape));
}

function addLeaf(leaves: Leaf[], entry: Entry, shape: readonly number[]): Leaf {
  const leaf = { entry, shape, number: leaves.length };
  leaves.push(leaf);
  entry.leaves.push(leaf);
  return leaf;
}

/** Sorts by node, then by output of the node. */
function placeOf(entry: Entry, nodeOf: NodeOf): number {
  const node = nodeOf(entry);
  return node ? node.position + node.outputs.indexOf(entry) / 1024 : -1;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}
