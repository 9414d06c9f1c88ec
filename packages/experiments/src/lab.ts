/**
 * A lab: the composition of everything by one inversify container.
 *
 *   const report = await createLab().use(lora, loran, nf4).experiment({ … }).run();
 *
 * Plugins are plain values that know nothing of the container. Every service of a lab can be rebound in `lab.container`.
 */
import { Container, ContainerModule } from 'inversify';
import { bf16, fp32 } from '@loran/adapter';
import type { AdapterAnalysis } from '@loran/analysis';
import { builtInReaders } from '@loran/datasets';
import { onnxruntime } from '@loran/engine-onnxruntime';
import { builtInEvaluators } from '@loran/evaluators';
import { modelFamilies } from '@loran/models';
import { type Plugin, type PluginKind, Registry } from '@loran/plugin';
import type { Engine } from '@loran/tensor';
import { analyseTrained, type AnalyseTrainedOptions } from './analysis/analyse-trained.js';
import { reduceTrained, type ReduceTrainedOptions, type ReduceResult } from './analysis/reduce-trained.js';
import { systemClock } from './clock.js';
import { estimate, type MemoryEstimate } from './estimate/estimate.js';
import type { EstimateOptions } from './estimate/estimate-options.js';
import { type EvaluateOptions, evaluateAdapter, type EvaluationResult } from './evaluate-adapter.js';
import { combineFolders, type CombineFoldersOptions, type CombineFoldersResult } from './export/combine-folders.js';
import { exportModel, type ExportModelOptions, type ExportResult } from './export/export-model.js';
import { type Experiment, experiment } from './experiment.js';
import type { ExperimentOptions, TrainRunOptions } from './options.js';
import { noProgress } from './phase-progress.js';
import { type RunHooks, type RunResult, trainRun } from './train-run.js';
import { Services } from './services.js';
import { folderStore } from './store.js';
import { type GeneratorOptions, textGenerator, type TextGenerator } from './text-generator.js';
import { noTracker } from './tracker.js';

export interface Lab {
  /** Yours to rebind; see Services. */
  readonly container: Container;
  /** Adds plugins, or inversify modules that bind what they like. Throws DUPLICATE_PLUGIN. */
  use(...additions: readonly (Plugin | ContainerModule)[]): Lab;
  /** The plugins of one kind by name, those bound in the container included. */
  plugins<T extends Plugin = Plugin>(kind: PluginKind): Registry<T>;
  /** Trains one adapter and measures it. */
  train(options: TrainRunOptions, hooks?: RunHooks): Promise<RunResult>;
  /**
   * What a training would take of memory, from the model's configuration alone. Closes the engine that is open: estimate before
   * models are loaded.
   */
  estimate(options: EstimateOptions): Promise<MemoryEstimate>;
  /** Measures a trained adapter, or a model that has its own classifier. */
  evaluate(options: EvaluateOptions): Promise<EvaluationResult>;
  /** A language model with its adapters, to continue texts and to answer. */
  generator(options: GeneratorOptions): Promise<TextGenerator>;
  /** Writes a model with adapters merged in, or an adapter, in another format. */
  export(options: ExportModelOptions): Promise<ExportResult>;
  /** Makes one adapter of several, by weights. */
  combine(options: CombineFoldersOptions): Promise<CombineFoldersResult>;
  /** What a trained adapter does to each weight: spectra, ranks, what its nonlinearity changes. */
  analyse(options: AnalyseTrainedOptions): Promise<AdapterAnalysis>;
  /** Writes a trained adapter of any method as a LoRA of chosen rank, and says what that loses. */
  reduce(options: ReduceTrainedOptions): Promise<ReduceResult>;
  /** Arms × seeds, ready to run. */
  experiment(options: ExperimentOptions): Experiment;
}

/** A lab with the storages, readers, evaluators and model families that loran ships; methods and activations come by `use`. */
export function createLab(): Lab {
  const container = new Container();
  container.bind(Services.engineOptions).toConstantValue({});
  container.bind(Services.download).toConstantValue({});
  container.bind(Services.progress).toConstantValue(noProgress);
  container.bind(Services.clock).toConstantValue(systemClock);
  container.bind(Services.store).toConstantValue(folderStore);
  container.bind(Services.tracker).toConstantValue(noTracker);
  container
    .bind<Engine>(Services.engine)
    .toDynamicValue(() => plugins<Engine>('engine').get('onnxruntime'))
    .inSingletonScope();

  const plugins = <T extends Plugin>(kind: PluginKind): Registry<T> => {
    const identifier = Services.plugin(kind);
    return new Registry<T>(kind, container.isBound(identifier) ? (container.getAll(identifier) as T[]) : []);
  };

  const lab: Lab = {
    container,
    use(...additions) {
      for (const addition of additions) {
        if (addition instanceof ContainerModule) {
          container.load(addition);
          continue;
        }
        const known = plugins(addition.kind);
        if (known.has(addition.name) && known.get(addition.name) === addition) continue;
        known.add(addition); // refuses another value under a taken name
        container.bind(Services.plugin(addition.kind)).toConstantValue(addition);
      }
      return lab;
    },
    plugins,
    train: (options, hooks) => trainRun(lab, options, hooks),
    estimate: (options) => estimate(lab, options),
    evaluate: (options) => evaluateAdapter(lab, options),
    generator: (options) => textGenerator(lab, options),
    export: (options) => exportModel(lab, options),
    combine: (options) => combineFolders(lab, options),
    analyse: (options) => analyseTrained(lab, options),
    reduce: (options) => reduceTrained(lab, options),
    experiment: (options) => experiment(lab, options),
  };
  return lab.use(
    onnxruntime,
    fp32,
    bf16,
    ...builtInReaders().list(),
    ...builtInEvaluators().list(),
    ...modelFamilies().list(),
  );
}
