/** One of our arms in a process of its own: `arm.ts PLAN METHOD SEED`. Progress on stderr, the outcome on stdout. */
import { standardActivations } from '@loran/activations';
import { type AdapterMethod, adapterParameters, AdapterSet } from '@loran/adapter';
import { createOnnxruntimeEngine } from '@loran/engine-onnxruntime';
import { lora } from '@loran/lora';
import { loran } from '@loran/loran';
import { loadSequenceClassifier } from '@loran/models';
import { Registry } from '@loran/plugin';
import { currentEngine, openEngine } from '@loran/tensor';
import { adamW, classificationTask, linearSchedule, predict, progressBar, train } from '@loran/trainer';
import { median } from '../step/median.js';
import type { Outcome } from './outcome.js';
import { readPlan } from './plan.js';

const methods: Readonly<Record<string, { method: AdapterMethod<never>; config: object }>> = {
  lora: { method: lora as AdapterMethod<never>, config: {} },
  loran: { method: loran as AdapterMethod<never>, config: { activation: 'sinter' } },
};

const [file = '', name = '', seedText = ''] = process.argv.slice(2);
const plan = readPlan(file);
const seed = Number(seedText);
const { method, config } = methods[name]!;
await openEngine(createOnnxruntimeEngine({ log: () => {} }), { device: 'cpu' });

const classifier = await loadSequenceClassifier(plan.model, { labels: plan.labels, head: 'mean', seed });
const activations = new Registry('activation', standardActivations);
const adapters = new AdapterSet(classifier);
const adapter = await adapters.add({
  method,
  config: { rank: plan.rank, alpha: plan.alpha, ...config },
  targetModules: plan.targetModules,
  modulesToSave: ['classifier'],
  seed,
  resolve: (_, activation) => activations.get(activation),
});
const task = classificationTask({
  classifier,
  parameters: adapterParameters(adapter),
  examples: plan.train,
  batchSize: plan.batchSize,
  seed, // the order of plan.batches
});

let predictions: readonly number[] = [];
const accuracies: number[] = [];
const losses: number[] = [];
const times: number[] = [];
let tokens = 0;
const bar = progressBar();
for await (const event of train({
  task,
  learningRate: plan.learningRate,
  optimizer: adamW(),
  schedule: linearSchedule({ warmupSteps: plan.warmupSteps }),
  epochs: plan.epochs,
  seed,
  evaluate: async () => {
    predictions = [...(await predict(classifier, plan.test)).labels];
    const correct = plan.test.filter(({ label }, i) => label === predictions[i]).length;
    accuracies.push(correct / plan.test.length);
    return { accuracy: correct / plan.test.length };
  },
})) {
  bar.show(event);
  if (event.type === 'step') {
    tokens += event.tokens;
    times.push(event.tokens / event.tokensPerSecond);
  }
  if (event.type === 'epoch') losses.push(event.loss);
}

const engine = currentEngine();
const outcome: Outcome = {
  method: name,
  seed,
  epochs: losses.map((loss, i) => ({ loss, accuracy: accuracies[i]! })),
  predictions,
  trainable: adapters.count().trainable,
  steps: times.length,
  tokens,
  seconds: times.reduce((sum, time) => sum + time, 0),
  medianStep: median(times),
  peakResidentBytes: engine.memory().peakResidentBytes,
  versions: {}, // the benchmark itself prints ours
};
await engine.close();
console.log(JSON.stringify(outcome));
