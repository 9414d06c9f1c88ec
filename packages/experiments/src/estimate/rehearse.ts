/**
 * A training rehearsed: the model, its adapter and two updates, with every operation of the real ones but no weights, no values and
 * no runtime. What is counted is what the engine would keep and what the graph of an update would take at once.
 */
import { AdapterSet, type AdapterMethod, type BaseStorage } from '@loran/adapter';
import { createOnnxruntimeEngine } from '@loran/engine-onnxruntime';
import { familyOfModel, type ModelFamily, type ModelSource } from '@loran/models';
import { closeEngine, openEngine } from '@loran/tensor';
import { train } from '@loran/trainer';
import { resolver } from '../adapter-setup.js';
import { chosenStorage } from '../base-choice.js';
import type { Lab } from '../lab.js';
import { optimizerOf } from '../optimizer.js';
import { defaultsOf, settled } from '../task/choose-task.js';
import { writesFromOthers } from '../text-model.js';
import type { TaskName } from '../task/run-task.js';
import type { EstimatePlan } from './estimate-options.js';
import { rehearsedTasks } from './rehearsed-task.js';

export interface Rehearsal {
  readonly task: TaskName;
  readonly batchSize: number;
  /** Tokens of each text. */
  readonly length: number;
  readonly parameters: { readonly trainable: number; readonly all: number };
  /** Bytes of the frozen weights. */
  readonly frozenBytes: number;
  /** Of the largest of them in fp32. */
  readonly largestWeightBytes: number;
  /** Bytes of the optimiser's state, and of summed gradients where batches are accumulated. */
  readonly optimizerBytes: number;
  /** What the values of an update take at once: activations kept for the backward pass, gradients, new parameters and state. */
  readonly graphBytes: number;
  /** Operations of an update. */
  readonly graphNodes: number;
}

/** Opens an engine of its own, which closes the process's. Throws what making the model and the adapter does. */
export async function rehearse(lab: Lab, source: ModelSource, plan: EstimatePlan): Promise<Rehearsal> {
  const { method: methodName, targetModules, ...config } = plan.adapter;
  const method = lab.plugins<AdapterMethod>('adapter-method').get(methodName);
  const base = chosenStorage(lab.plugins<BaseStorage>('base-storage'), plan.base);
  const families = lab.plugins<ModelFamily>('model-family');
  const task = plan.task ?? taskOf(await familyOfModel(source, { families }));
  const training = settled(plan.training, defaultsOf(task));
  const engine = await openEngine(createOnnxruntimeEngine({ rehearsal: true }));
  try {
    const { model, modulesToSave, maxLength, ...made } = await rehearsedTasks[task]({
      ...{ source, base, families, labels: plan.labels },
    });
    const set = new AdapterSet(model);
    const adapter = await set.add({
      ...{ method, config, modulesToSave, seed: plan.seed, resolve: resolver(lab) },
      targetModules: targetModules ?? model.targetModules,
    });
    await engine.flush();
    const { batchSize, accumulate, learningRate, maxGradientNorm } = training;
    const length = Math.min(training.maxLength, maxLength);
    const before = engine.memory().bytes;
    let [graphBytes, graphNodes, optimizerBytes] = [0, 0, 0];
    const stop = engine.observe(({ arenaBytes, nodes }) => {
      graphBytes = Math.max(graphBytes, arenaBytes);
      graphNodes = Math.max(graphNodes, nodes);
    });
    const events = train({
      ...{ learningRate, maxGradientNorm, accumulate, optimizer: optimizerOf(training), steps: 2 },
      task: made.training(adapter, { batchSize, length }),
    });
    for await (const { type } of events) if (type === 'step') optimizerBytes = engine.memory().bytes - before;
    stop();
    const weights = [...model.modules().values()].map(({ frozen }) => frozen);
    return {
      ...{ task, batchSize, length, graphBytes, graphNodes, optimizerBytes },
      parameters: set.count(),
      frozenBytes: weights.reduce((sum, { byteLength }) => sum + byteLength, 0) + 4 * (model.otherParameters ?? 0),
      largestWeightBytes: 4 * Math.max(...weights.map(({ rows, columns }) => rows * columns)),
    };
  } finally {
    await closeEngine();
  }
}

const taskOf = (family: ModelFamily): TaskName =>
  writesFromOthers(family) ? 'sequence-to-sequence' : family.languageModel ? 'language-model' : 'classification';
