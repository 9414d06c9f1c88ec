/** A training with random weights and random texts, as a run makes it; gives the highest resident set of this process. */
import { adapterParameters, AdapterSet } from '@loran/adapter';
import { Services } from '@loran/experiments';
import type { AdapterMethod, BaseStorage } from '@loran/adapter';
import { AbsentWeights, loadLanguageModel, loadSequenceClassifier, openConfiguration } from '@loran/models';
import { closeEngine, openEngine } from '@loran/tensor';
import { adamW, adamW8bit, classificationTask, languageModelTask, train, type TrainingTask } from '@loran/trainer';
import type { Lab } from '@loran/experiments';
import type { Configuration } from './configurations.js';

const steps = 4;

/** Small numbers, all different enough. */
class RandomWeights extends AbsentWeights {
  override async *values(name: string): AsyncIterable<Float32Array> {
    let word = 1;
    for await (const run of super.values(name)) {
      yield run.map(() => {
        word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
        return (word / 2 ** 32 - 0.5) * 0.05;
      });
    }
  }
}

export async function trainedBytes(lab: Lab, folder: string, configuration: Configuration): Promise<number> {
  const { base, method, rank, dropout, targetModules, task, batchSize, maxLength, optimizer } = configuration;
  const source = { ...(await openConfiguration(folder)), weights: new RandomWeights(folder) };
  const storage = lab.plugins<BaseStorage>('base-storage').get(base);
  await openEngine(lab.container.get(Services.engine), { device: 'cpu' });
  const ids = (text: number) => Array.from({ length: maxLength }, (_, i) => 1 + ((i * 7919 + text * 104729) % 30000));
  const texts = Array.from({ length: steps * batchSize }, (_, i) => ids(i));
  const isClassifier = task === 'classification';
  const model = isClassifier
    ? await loadSequenceClassifier(source, { base: storage, labels: ['a', 'b'], freshClassifier: true })
    : await loadLanguageModel(source, { base: storage });
  const adapter = await new AdapterSet(model).add({
    method: lab.plugins<AdapterMethod>('adapter-method').get(method),
    config: { rank, ...(dropout === undefined ? {} : { dropout }) },
    targetModules: targetModules ?? model.targetModules,
    modulesToSave: 'headModules' in model ? model.headModules : [],
    resolve: (kind, name) => lab.plugins(kind).get(name),
  });
  const parameters = adapterParameters(adapter);
  const options = { parameters, batchSize };
  const trained =
    'logits' in model
      ? classificationTask({
          ...options,
          classifier: model,
          examples: texts.map((ids, i) => ({ ids: i % batchSize === 0 ? ids.slice(1) : ids, label: 0 })),
        })
      : languageModelTask({
          ...options,
          model,
          examples: texts.map((ids) => ({ ids, supervised: ids.map((_, i) => i > 0), cut: 0 })),
          allowEndless: true,
        });
  const events = train({
    task: trained as TrainingTask<unknown>,
    learningRate: 1e-4,
    maxGradientNorm: 1,
    steps,
    optimizer: optimizer === 'adamw' ? adamW() : adamW8bit(),
  });
  for await (const { type } of events) if (type === 'finished') break;
  const bytes = process.resourceUsage().maxRSS * 1024;
  await closeEngine();
  return bytes;
}
