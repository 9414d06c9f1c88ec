/** A family of encoders from the facts in its config.json: classifiers and sentence encoders follow from them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { frozenTensor, Slot } from '@loran/adapter';
import { randomStream } from '@loran/tensor';
import type { LoadProgressOptions } from '../checkpoint/load-progress.js';
import { loadModules } from '../checkpoint/load-modules.js';
import { locateTensors, unusedWarning } from '../checkpoint/locate-tensors.js';
import type { ModuleSpec } from '../checkpoint/module-spec.js';
import { storages } from '../checkpoint/storages.js';
import { chooseLabels } from '../classification/choose-labels.js';
import { ModelError } from '../model-error.js';
import type { ModelFamily, ModelSource } from '../model-family.js';
import { version } from '../version.js';
import { EncoderClassifier, type EncoderPooling, headPaths, meanHead } from './encoder-classifier.js';
import { type EncoderFacts, encoderModules, linearSpec, storedNames } from './encoder-facts.js';
import { PooledEncoder } from './pooled-encoder.js';
import { lengthOf, poolingOf } from './sentence-pooling.js';

export function defineEncoderFamily({
  name,
  modelTypes,
  architectures,
  factsOf,
}: Pick<ModelFamily, 'name' | 'modelTypes' | 'architectures'> & {
  readonly factsOf: (source: ModelSource) => EncoderFacts;
}): ModelFamily {
  return {
    kind: 'model-family',
    name,
    package: '@loran/models',
    version,
    modelTypes,
    architectures,
    vocabularyModules: ['word_embeddings'],

    async sequenceClassifier(source, options) {
      const facts = factsOf(source);
      checkVocabulary(source, facts);
      const { head } = facts;
      const offer = {
        poolings: ['cls', 'mean'],
        head: (pooling: string) => `${pooling === 'cls' ? head.out : meanHead}.weight`,
      } as const;
      const { labels, fresh, deviation, ...chosen } = chooseLabels(source, offer, options);
      const pooling = chosen.pooling as EncoderPooling;
      const root = pooling === 'cls' ? facts.prefix : '';
      const layers = headSpecs(facts, pooling, labels.length);
      const made = fresh ? layers.filter(({ path }) => path === meanHead || headPaths(head).includes(path)) : [];
      const specs = [...encoderModules(facts, root), ...layers.filter((spec) => !made.includes(spec))];
      const { modules, unused } = await loadEncoder(source, facts, specs, options);
      for (const spec of made) modules.slots.set(spec.path, newLinear(spec, options.seed ?? 0, deviation));
      const paths = made.map(({ path }) => path);
      const isRest = (tensor: string) =>
        isKnownRest(facts, tensor) || paths.some((path) => tensor.startsWith(`${path}.`));
      return new EncoderClassifier(facts, modules, root, {
        labels,
        pooling,
        tokenizer: source.tokenizer,
        initialised: paths,
        warnings: unusedWarning(
          source.weights,
          unused.filter((tensor) => !isRest(tensor)),
        ),
      });
    },

    async sentenceEncoder(source, options) {
      const facts = factsOf(source);
      checkVocabulary(source, facts);
      const pooling = poolingOf(source, options);
      const { modules, unused } = await loadEncoder(source, facts, encoderModules(facts, ''), options);
      const { out, dense } = facts.head;
      const isHead = (tensor: string) => [out, dense.path].some((path) => tensor.startsWith(`${path}.`));
      const unexpected = unused.filter((tensor) => !isKnownRest(facts, tensor) && !isHead(tensor));
      return new PooledEncoder(facts, modules, {
        ...pooling,
        maxLength: lengthOf(source),
        tokenizer: source.tokenizer,
        warnings: unusedWarning(source.weights, unexpected),
      });
    },
  };
}

type Specs = readonly ModuleSpec[];

async function loadEncoder(
  { weights }: ModelSource,
  facts: EncoderFacts,
  specs: Specs,
  options: Parameters<typeof storages>[0] & LoadProgressOptions,
) {
  const kept = storages(options);
  const located = locateTensors(weights, specs, storedNames(facts), kept);
  return { modules: await loadModules(weights, specs, located, kept, options), unused: located.unused };
}

/** The linear layers of the head, the pretrained one of the encoder among them; those of the labels stay fp32. */
function headSpecs({ head, width }: EncoderFacts, pooling: EncoderPooling, labels: number) {
  if (pooling === 'mean') return [{ ...linearSpec(meanHead, labels, width), keptAs: 'fp32' as const }];
  const dense = linearSpec(head.dense.path, width, width);
  return [
    head.dense.pretrained ? dense : { ...dense, keptAs: 'fp32' as const },
    { ...linearSpec(head.out, labels, width), keptAs: 'fp32' as const },
  ];
}

/** normal(0, deviation) and bias 0, as transformers begins a head. */
function newLinear({ path, rows, columns }: ReturnType<typeof linearSpec>, seed: number, deviation: number): Slot {
  const random = randomStream(seed).derive(`${path}.weight`);
  return new Slot(path, frozenTensor(random.normal([rows, columns], 0, deviation) as Tensor2D, tf.zeros([rows])));
}

function checkVocabulary({ name, tokenizer }: ModelSource, { vocabulary }: EncoderFacts): void {
  if (tokenizer.vocabularySize <= vocabulary) return;
  throw new ModelError(
    'INVALID_TOKENIZER',
    `${name}/tokenizer.json knows ids up to ${tokenizer.vocabularySize - 1}, but the model embeds ${vocabulary} (vocab_size). They belong to different models.`,
  );
}

/** Left aside on purpose: buffers of old versions, and a pooler that nothing reads. */
const isKnownRest = ({ prefix }: EncoderFacts, name: string): boolean =>
  name.endsWith('position_ids') || name.startsWith('pooler.') || name.startsWith(`${prefix}pooler.`);
