/**
 * LoRA+: the factor on the output side learns faster than the one on the input side (Hayou et al. 2024, arXiv 2402.12354).
 *
 *   η(B) = ratio · η(A)                 for ΔW = s·B·A
 *
 * As PEFT's create_loraplus_optimizer: vectors (biases, magnitudes) learn at B's rate, biases without decay; what is on an
 * embedding has a rate of its own; everything else, trained heads too, learns at A's.
 */
import { adamW } from './adamw.js';
import type { Optimizer } from './optimizer.js';
import { parameterGroups } from './parameter-groups.js';
import { requireOption } from '../training-option-error.js';

export interface LoraPlusOptions {
  /** η(B) / η(A), at least 1. The paper suggests 16 for fine-tuning of language models, with a somewhat lower η(A). */
  readonly ratio: number;
  /**
   * Learning rate of adapters on embeddings as a multiple of the training's; default 1. PEFT gives it as a rate, 1e-6 by default:
   * that is 1e-6 / learningRate here.
   */
  readonly embeddingRatio?: number;
  /** λ of everything but biases; default 0, as in PEFT. */
  readonly weightDecay?: number;
  /** Which parameters are on the output side, by name; default those called B. */
  readonly outputSide?: RegExp;
  /** Which are on embeddings; default embeddingA and embeddingB. */
  readonly embedding?: RegExp;
  /** Makes the optimiser of a group; default adamW. */
  readonly optimizer?: (options: { readonly weightDecay: number }) => Optimizer;
}

/** Throws TRAINING_OPTION for a ratio below 1; its `start` PARAMETER_GROUP_EMPTY where nothing is on the output side. */
export function loraPlus(options: LoraPlusOptions): Optimizer {
  const { ratio, embeddingRatio = 1, weightDecay = 0, optimizer = adamW } = options;
  const { outputSide = /(^|\.)B$/, embedding = /(^|\.)embedding[AB]$/ } = options;
  requireOption('ratio', ratio, ratio >= 1 && Number.isFinite(ratio), 'a number of at least 1');
  const group = (name: string, rateRatio: number, decay = weightDecay) => ({
    name,
    rateRatio,
    optimizer: optimizer({ weightDecay: decay }),
  });
  return parameterGroups(
    [
      { ...group('embedding', embeddingRatio), match: embedding, optional: true },
      { ...group('output side', ratio), match: outputSide },
      { ...group('bias', ratio, 0), match: (name, { rank }) => rank === 1 && name.includes('bias'), optional: true },
      { ...group('vector', ratio), match: (_, { rank }) => rank === 1, optional: true },
      { ...group('input side', 1), match: /(?:)/, optional: true },
    ],
    'lora-plus',
  );
}
