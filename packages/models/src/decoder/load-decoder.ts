/** From a checkpoint to a decoder's modules, with the head that its task asks for. */
import { frozenTensor, Slot } from '@loran/adapter';
import { randomStream } from '@loran/tensor';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { found, loadModules, type LoadedModules } from '../checkpoint/load-modules.js';
import { locateTensors, unusedWarning } from '../checkpoint/locate-tensors.js';
import type { LinearSpec, ModuleSpec } from '../checkpoint/module-spec.js';
import { storages } from '../checkpoint/storages.js';
import { tiedHead } from '../checkpoint/tied-head.js';
import type { LanguageModelOptions } from '../language-model.js';
import type { ModelSource } from '../model-family.js';

/** A score for each label instead of one for each token: path `score`, without bias, as transformers has it. */
export interface ScoreHead {
  readonly labels: number;
  /** Normal with this deviation instead of the checkpoint's. */
  readonly fresh: { readonly seed: number; readonly deviation: number } | undefined;
}

export interface DecoderLoadOptions extends LanguageModelOptions {
  /** Default: the scores of the next token, `lm_head`. */
  readonly score?: ScoreHead;
}

export interface DecoderLayout {
  /** All modules but the head. */
  readonly specs: readonly ModuleSpec[];
  /** Path of the token embedding. */
  readonly embedding: string;
  /** Whether lm_head is the embedding's weight. */
  readonly tied: boolean;
  /** Names under which a tensor may be stored, the preferred first. */
  readonly storedNames: (name: string) => readonly string[];
  /** Stored tensors that are left aside without a word, besides an unused head. */
  readonly isKnownRest?: (name: string) => boolean;
}

/** Throws MISSING_WEIGHTS, WEIGHT_SHAPES, and what the weights' reader throws. */
export async function loadDecoderModules(
  { weights }: Pick<ModelSource, 'weights'>,
  { specs, embedding, tied, storedNames, isKnownRest = () => false }: DecoderLayout,
  options: DecoderLoadOptions,
): Promise<{ modules: LoadedModules; head: Slot; embedding: Slot; warnings: readonly string[] }> {
  const { score } = options;
  const { rows, columns } = specs.find(({ path }) => path === embedding) as { rows: number; columns: number };
  const stored = score === undefined ? (tied ? [] : [languageHead(rows, columns)]) : storedScore(score, columns);
  const all = [...specs, ...stored];
  const kept = storages(options);
  const located = locateTensors(weights, all, storedNames, kept);
  const loaded = await loadModules(weights, all, located, kept, options);
  const isTied = score === undefined && tied;
  const modules = isTied ? { ...loaded, tied: new Map([['lm_head', embedding]]) } : loaded;
  const { slots } = modules;
  const words = found(slots, embedding);
  if (isTied) slots.set('lm_head', new Slot('lm_head', tiedHead(words.frozen)));
  if (score?.fresh !== undefined) slots.set('score', newScore(score.labels, columns, score.fresh));
  const isRest = (name: string) =>
    isKnownRest(name) || name === 'lm_head.weight' || (score?.fresh !== undefined && name === 'score.weight');
  const warnings = unusedWarning(
    weights,
    located.unused.filter((name) => !isRest(name)),
  );
  return { modules, head: found(slots, score === undefined ? 'lm_head' : 'score'), embedding: words, warnings };
}

const languageHead = (rows: number, columns: number): LinearSpec => ({
  kind: 'linear',
  path: 'lm_head',
  rows,
  columns,
  bias: false,
  keptAs: 'embeddings',
});

const storedScore = ({ labels, fresh }: ScoreHead, columns: number): LinearSpec[] =>
  fresh === undefined ? [{ kind: 'linear', path: 'score', rows: labels, columns, bias: false, keptAs: 'fp32' }] : [];

function newScore(labels: number, columns: number, fresh: NonNullable<ScoreHead['fresh']>): Slot {
  const random = randomStream(fresh.seed).derive('score.weight');
  return new Slot('score', frozenTensor(random.normal([labels, columns], 0, fresh.deviation) as Tensor2D));
}
