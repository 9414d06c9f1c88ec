/** BERT and the models of its shape (MiniLM, and what sentence-transformers made of them). */
import * as tf from '@tensorflow/tfjs-core';
import { frozenTensor, Slot } from '@loran/adapter';
import { randomStream } from '@loran/tensor';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { loadModules, storages } from '../checkpoint/load-modules.js';
import { locateTensors, unusedWarning } from '../checkpoint/locate-tensors.js';
import { type ModuleSpec, tensorShapes } from '../checkpoint/module-spec.js';
import { ModelError } from '../model-error.js';
import type { ModelFamily } from '../model-family.js';
import { version } from '../version.js';
import { BertClassifier } from './bert-classifier.js';
import { type BertConfig, parseBertConfig } from './config.js';
import { chooseClassifier } from './labels.js';
import { bertModules, storedNames } from './modules.js';

export const bert: ModelFamily = {
  kind: 'model-family',
  name: 'bert',
  package: '@loran/models',
  version,
  modelTypes: ['bert'],
  architectures: ['BertModel', 'BertForSequenceClassification', 'BertForMaskedLM', 'BertForPreTraining'],

  async sequenceClassifier({ name: folder, config: json, weights, tokenizer }, options) {
    const config = parseBertConfig(folder, json);
    if (tokenizer.vocabularySize > config.vocab_size) {
      throw new ModelError(
        'INVALID_TOKENIZER',
        `${folder}/tokenizer.json knows ids up to ${tokenizer.vocabularySize - 1}, but the model embeds ${config.vocab_size} (vocab_size). They belong to different models.`,
      );
    }
    const pooling = options.head ?? config.classifier_pooling;
    const { labels, fresh } = chooseClassifier(folder, config, weights, pooling, options);
    const specs = [...bertModules(config, pooling), ...(fresh ? [] : [classifierSpec(labels.length, config)])];
    const { stored, unused } = locateTensors(weights, tensorShapes(specs), storedNames);
    const modules = await loadModules(weights, specs, stored, storages(options));
    if (fresh) modules.slots.set('classifier', newClassifier(labels.length, config, options.seed ?? 0));
    const unexpected = unused.filter((name) => !isKnownRest(name, fresh));
    return new BertClassifier(config, modules, {
      labels,
      pooling,
      tokenizer,
      initialised: fresh ? ['classifier'] : [],
      warnings: unusedWarning(weights, unexpected),
    });
  },
};

const classifierSpec = (rows: number, { hidden_size: columns }: BertConfig): ModuleSpec => ({
  kind: 'linear',
  path: 'classifier',
  rows,
  columns,
  bias: true,
  keptAs: 'fp32',
});

/** normal(0, initializer_range) and bias 0, as transformers begins a head. */
function newClassifier(rows: number, config: BertConfig, seed: number): Slot {
  const random = randomStream(seed).derive('classifier.weight');
  const weight = random.normal([rows, config.hidden_size], 0, config.initializer_range) as Tensor2D;
  return new Slot('classifier', frozenTensor(weight, tf.zeros([rows])));
}

/** Left aside on purpose: buffers of old versions, the pooler behind mean pooling, a classifier that is made anew. */
function isKnownRest(name: string, fresh: boolean): boolean {
  return name.endsWith('position_ids') || /^(bert\.)?pooler\./.test(name) || (fresh && name.startsWith('classifier.'));
}
