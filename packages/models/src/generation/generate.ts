/**
 * Continues texts with a causal language model, token by token, several texts at once.
 *
 * Prompts are padded on the left to a common length, so that all texts write into the same column of the cache. Lengths and
 * the cache's room come in few sizes, since each new shape is a graph to compile: the prompt in multiples of 16, room in
 * doublings. A text that has ended is computed along until the last one ends; its tokens are not given out.
 */
import * as tf from '@tensorflow/tfjs-core';
import { inference, type Pass } from '@loran/adapter';
import { randomStream } from '@loran/tensor';
import type { LanguageModel } from '../language-model.js';
import { ModelError } from '../model-error.js';
import type { TokenBatch } from '../sequence-classifier.js';
import { type GenerationOptions, planGeneration, type GenerationPlan } from './generation-options.js';
import { NextScores } from './next-scores.js';
import { choose, penalise } from './sampling.js';
import { TextSoFar } from './text-so-far.js';

/** Why a text ended: an end token, a stop text, or the most tokens allowed. */
export type FinishReason = 'end' | 'stop' | 'length';

/** One token of one text. The end token itself is not given out as text, but counts among the ids. */
export interface GeneratedToken {
  /** Which of the prompts. */
  readonly index: number;
  readonly id: number;
  /** Text that has become certain with this token; a character of several tokens comes with the last. */
  readonly text: string;
  /** With the last token of a text. */
  readonly finished?: FinishReason;
}

export interface GeneratedText {
  readonly text: string;
  /** Ids generated, an end token included. */
  readonly tokens: readonly number[];
  readonly finished: FinishReason;
}

/** What is asked of a model. */
export type Continued = Pick<LanguageModel, 'hidden' | 'scores' | 'newCache' | 'tokenizer' | 'maxLength' | 'endIds'>;

const promptStep = 16;
const smallestRoom = 64;

/** What a generation runs on, besides its options. */
export interface GenerationContext {
  /** Stops between two tokens by throwing its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Default `inference`; gives each text its own adapter with `rows`. */
  readonly pass?: Pass;
}

/**
 * Streams the tokens that follow each prompt (ids, special tokens included). Texts advance together: one token of each text
 * that has not ended, then the next.
 *
 * Throws GENERATION_OPTION, INVALID_BATCH for an empty prompt, SEQUENCE_TOO_LONG where prompt and new tokens do not fit.
 */
export async function* generate(
  model: Continued,
  prompts: readonly (readonly number[])[],
  options: GenerationOptions = {},
  { signal, pass = inference }: GenerationContext = {},
): AsyncGenerator<GeneratedToken, void, void> {
  const plan = planGeneration(options);
  if (prompts.length === 0) return;
  const longest = checkedLength(model, prompts, plan);
  const texts = prompts.map((prompt, index) => new Continuation(model, prompt, index, plan));
  const cache = model.newCache(prompts.length, room(longest + 1));
  const scoring = new NextScores(model, pass, cache);
  let batch: TokenBatch = promptBatch(prompts, longest, model.tokenizer.padId);
  try {
    for (let step = 0; ; step++) {
      signal?.throwIfAborted();
      const scores = await scoring.next(batch);
      disposeBatch(batch);
      const width = scores.length / texts.length;
      const ids = texts.map((text, row) => text.choose(scores.subarray(row * width, (row + 1) * width), step));
      batch = { ids: tf.tensor2d(ids, [texts.length, 1], 'int32') };
      for (const text of texts) {
        const token = text.take();
        if (token !== undefined) yield token;
      }
      if (texts.every(({ finished }) => finished)) return;
      if (cache.length === cache.capacity) cache.grow(Math.min(2 * cache.capacity, model.maxLength));
    }
  } finally {
    disposeBatch(batch);
    scoring.dispose();
    cache.dispose();
  }
}

/** The continuations whole, in the order of the prompts. */
export async function generateTexts(
  model: Continued,
  prompts: readonly (readonly number[])[],
  options: GenerationOptions = {},
  context: GenerationContext = {},
): Promise<GeneratedText[]> {
  const texts = prompts.map(() => ({ text: '', tokens: [] as number[], finished: 'length' as FinishReason }));
  for await (const { index, id, text, finished } of generate(model, prompts, options, context)) {
    const own = texts[index]!;
    own.tokens.push(id);
    own.text += text;
    if (finished !== undefined) own.finished = finished;
  }
  return texts;
}

/** One text on its way. */
class Continuation {
  readonly #index: number;
  readonly #plan: GenerationPlan;
  readonly #endIds: ReadonlySet<number>;
  readonly #seen: Set<number>;
  readonly #random: ReturnType<typeof randomStream>;
  readonly #text: TextSoFar;
  #count = 0;
  #chosen = 0;
  finished = false;

  constructor(model: Continued, prompt: readonly number[], index: number, plan: GenerationPlan) {
    this.#index = index;
    this.#plan = plan;
    this.#endIds = new Set(plan.endIds ?? model.endIds);
    this.#seen = new Set(prompt);
    this.#random = randomStream(plan.seed).derive(index);
    this.#text = new TextSoFar(model.tokenizer.textStream(), plan.stop);
  }

  /** The next id; of a text that has ended, any. */
  choose(scores: Float32Array, step: number): number {
    if (this.finished) return this.#chosen;
    penalise(scores, this.#seen, this.#plan.repetitionPenalty);
    this.#chosen = choose(scores, this.#plan, this.#random.at(step));
    this.#seen.add(this.#chosen);
    return this.#chosen;
  }

  /** What the chosen token adds; undefined once the text has ended. */
  take(): GeneratedToken | undefined {
    if (this.finished) return undefined;
    this.#count += 1;
    const ended = this.#endIds.has(this.#chosen);
    let text = ended ? '' : this.#text.push(this.#chosen);
    const reason = ended
      ? 'end'
      : this.#text.stopped
        ? 'stop'
        : this.#count === this.#plan.maxNewTokens
          ? 'length'
          : undefined;
    if (reason !== undefined) text += this.#text.end();
    this.finished = reason !== undefined;
    return { index: this.#index, id: this.#chosen, text, ...(reason === undefined ? {} : { finished: reason }) };
  }
}

/** Columns of the padded prompts. Throws where a text cannot be continued. */
function checkedLength(model: Continued, prompts: readonly (readonly number[])[], plan: GenerationPlan): number {
  const empty = prompts.findIndex((prompt) => prompt.length === 0);
  if (empty >= 0) {
    throw new ModelError(
      'INVALID_BATCH',
      `Prompt ${empty} has no tokens; give at least one, such as the token that begins a text.`,
    );
  }
  const longest = Math.max(...prompts.map((prompt) => prompt.length));
  if (longest + plan.maxNewTokens > model.maxLength) {
    throw new ModelError(
      'SEQUENCE_TOO_LONG',
      `A prompt has ${longest} tokens and ${plan.maxNewTokens} may follow, but this model knows ${model.maxLength} positions (max_position_embeddings). Shorten the prompt, or lower maxNewTokens.`,
    );
  }
  if (longest === 1) return 1;
  const padded = Math.ceil(longest / promptStep) * promptStep;
  return padded + plan.maxNewTokens <= model.maxLength ? padded : longest;
}

const room = (columns: number): number => smallestRoom * 2 ** Math.max(0, Math.ceil(Math.log2(columns / smallestRoom)));

function promptBatch(prompts: readonly (readonly number[])[], columns: number, padId: number): TokenBatch {
  const filled = (row: readonly number[], fill: number) => [...Array<number>(columns - row.length).fill(fill), ...row];
  const shape: [number, number] = [prompts.length, columns];
  const ids = tf.tensor2d(
    prompts.flatMap((prompt) => filled(prompt, padId)),
    shape,
    'int32',
  );
  if (prompts.every((prompt) => prompt.length === columns)) return { ids };
  const marks = prompts.flatMap((prompt) => filled(Array<number>(prompt.length).fill(1), 0));
  return { ids, mask: tf.tensor2d(marks, shape, 'int32') };
}

const disposeBatch = ({ ids, mask }: TokenBatch): void => tf.dispose(mask === undefined ? [ids] : [ids, mask]);
