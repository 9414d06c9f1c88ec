/**
 * Arms × seeds on the same data. Every arm sees, for one seed, the same order of examples, the same initial classifier and
 * the same dropout numbers, so that differences come from the arms.
 */
import type { BaseStorage } from '@loran/adapter';
import { closeEngine, openEngine } from '@loran/tensor';
import type { TrainingEvent } from '@loran/trainer';
import { LoranError, nearest } from '@loran/plugin';
import { chosenStorage } from './base-choice.js';
import type { Lab } from './lab.js';
import {
  type ExperimentOptions,
  experimentOptions,
  type ExperimentPlan,
  parseOptions,
  trainingOptions,
} from './options.js';
import { withPreset } from './preset.js';
import { type ArmRun, report, type Report } from './report.js';
import { Services } from './services.js';
import { evaluatorsFor, taskFor } from './task/choose-task.js';
import { trainOn } from './train-run.js';
import type { RunIdentity } from './tracker.js';

export interface ExperimentHooks {
  readonly onProgress?: (run: RunIdentity, event: TrainingEvent) => void;
  /** Hears each run's result as soon as it is there. */
  readonly onRun?: (run: ArmRun) => void;
  /** Ends the run in progress after its step; no further runs begin. */
  readonly signal?: AbortSignal;
}

export interface Experiment {
  readonly plan: ExperimentPlan;
  run(hooks?: ExperimentHooks): Promise<Report>;
}

/** Checks the options and every name in them before anything runs. */
export function experiment(lab: Lab, input: ExperimentOptions): Experiment {
  const plan = parseOptions(experimentOptions, { ...input, arms: presetArms(lab, input.arms) });
  const arms = Object.keys(plan.arms);
  const baseline = plan.baseline ?? arms[0] ?? '';
  if (!(baseline in plan.arms)) {
    const near = nearest(baseline, arms);
    throw new LoranError(
      'UNKNOWN_ARM',
      `The baseline '${baseline}' is not an arm; the arms are ${arms.join(', ')}.${near.length > 0 ? ` Did you mean '${near[0]}'?` : ''}`,
    );
  }
  for (const name of plan.evaluators ?? []) lab.plugins('evaluator').get(name);
  for (const { base, adapter } of Object.values(plan.arms)) {
    chosenStorage(lab.plugins<BaseStorage>('base-storage'), base);
    lab.plugins('adapter-method').get(adapter.method);
  }
  return { plan, run: (hooks = {}) => runAll(lab, plan, baseline, hooks) };
}

/** The arms, each on top of its preset. What is no group of arms is left for the check of the options. */
function presetArms(lab: Lab, arms: ExperimentOptions['arms']): ExperimentOptions['arms'] {
  if (typeof arms !== 'object') return arms;
  return Object.fromEntries(Object.entries(arms).map(([name, arm]) => [name, withPreset(lab, arm)]));
}

async function runAll(
  lab: Lab,
  plan: ExperimentPlan,
  baseline: string,
  { onProgress, onRun, signal }: ExperimentHooks,
): Promise<Report> {
  const { arms, seeds, output, baseline: _, ...shared } = plan;
  const tracker = lab.container.get(Services.tracker);
  const store = lab.container.get(Services.store);
  const task = await taskFor(lab, plan.task, plan.data, plan.model);
  const evaluators = evaluatorsFor(lab, task, plan.evaluators ?? task.defaults.evaluators);
  const data = await task.read(lab, plan.data);
  const planned = seeds.flatMap((seed) => Object.entries(arms).map(([arm, options]) => ({ seed, arm, ...options })));
  const runs: ArmRun[] = [];
  for (const [i, { seed, arm, base, adapter, training }] of planned.entries()) {
    if (signal?.aborted === true) break;
    const identity = { arm, seed, run: i + 1, runs: planned.length };
    // A fresh engine for each run: what one keeps in memory is not counted for the next.
    await openEngine(lab.container.get(Services.engine), lab.container.get(Services.engineOptions));
    try {
      const folder = store.runFolder(output, arm, seed);
      const result = await trainOn(
        lab,
        {
          ...shared,
          base,
          adapter,
          seed,
          training: trainingOptions.parse({ ...shared.training, ...training }),
          ...(folder === undefined ? {} : { output: folder }),
        },
        task,
        data,
        {
          onEvent: (event) => {
            tracker.track(identity, event);
            onProgress?.(identity, event);
          },
          ...(signal === undefined ? {} : { signal }),
        },
      );
      const run = { ...result, arm, seed };
      runs.push(run);
      onRun?.(run);
    } finally {
      await closeEngine();
    }
  }
  return report(runs, baseline, evaluators);
}
