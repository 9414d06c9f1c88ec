/**
 * What a training will take of memory, before any of it is taken.
 *
 *   peak = frozen weights + 3 · (adapter + optimiser) + 1.15 · graph + 170 MB + largest weight in fp32 + 20 kB · operations
 *
 * What is multiplied is counted in a rehearsal; the factors were fitted to resident sets on Linux x64 with Node 20 and
 * onnxruntime-node 1.30 (`npm run bench:memory`). `graph` is what the values of an update take while they live; ONNX Runtime's
 * allocator grows by whole regions and frees none. Parameters and state are written anew in each step, and the old ones wait for
 * Node's collector. Loading holds a weight twice, and an operation stands in Node's heap, in the model and in the session.
 */
import { openConfiguration } from '@loran/models';
import { baseName } from '../base-choice.js';
import type { Lab } from '../lab.js';
import { parseOptions } from '../options.js';
import { Services } from '../services.js';
import { estimateOptions, type EstimateOptions } from './estimate-options.js';
import { rehearse, type Rehearsal } from './rehearse.js';

const processBytes = 170e6;
const operationBytes = 20e3;
const allocated = 1.15;
/** Parameters and state of earlier steps that are not collected yet. */
const generations = 2;

export interface MemoryEstimate extends Omit<Rehearsal, 'graphBytes' | 'graphNodes' | 'largestWeightBytes'> {
  readonly model: string;
  readonly base: string;
  readonly method: string;
  readonly optimizer: string;
  /** Trained parameters, fp32. */
  readonly adapterBytes: number;
  /** Activations that are kept for the backward pass, gradients, and copies of parameters and state that a step leaves behind. */
  readonly activationBytes: number;
  /** Node, tfjs, ONNX Runtime, the graph itself, and what loading leaves behind. */
  readonly runtimeBytes: number;
  /** Highest resident set of the process, all of the above. */
  readonly peakBytes: number;
}

/** Throws INVALID_OPTIONS, UNKNOWN_PLUGIN, and what openConfiguration, the model and the adapter do. */
export async function estimate(lab: Lab, input: EstimateOptions): Promise<MemoryEstimate> {
  const plan = parseOptions(estimateOptions, input);
  const source = await openConfiguration(plan.model, lab.container.get(Services.download));
  const { graphBytes, graphNodes, largestWeightBytes, ...counted } = await rehearse(lab, source, plan);
  const adapterBytes = 4 * counted.parameters.trainable;
  const left = generations * (adapterBytes + counted.optimizerBytes);
  const activationBytes = Math.round(allocated * graphBytes + left);
  const runtimeBytes = processBytes + largestWeightBytes + operationBytes * graphNodes;
  return {
    ...{
      model: plan.model,
      base: baseName(plan.base),
      method: plan.adapter.method,
      optimizer: plan.training.optimizer,
    },
    ...counted,
    ...{ adapterBytes, activationBytes, runtimeBytes },
    peakBytes: runtimeBytes + counted.frozenBytes + adapterBytes + counted.optimizerBytes + activationBytes,
  };
}
