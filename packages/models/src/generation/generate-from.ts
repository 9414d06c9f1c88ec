/** Writes texts from others with a sequence-to-sequence model, token by token, several at once. */
import * as tf from '@tensorflow/tfjs-core';
import { inference } from '@loran/adapter';
import { ModelError } from '../model-error.js';
import type { SequenceToSequenceModel } from '../sequence-to-sequence-model.js';
import { generate, type GeneratedToken, type GenerationContext } from './generate.js';
import type { GenerationOptions } from './generation-options.js';

/**
 * Streams the tokens that the model writes for each input (ids, special tokens included), as `generate` does. The inputs are
 * read once. Throws GENERATION_OPTION, and INVALID_BATCH for an empty input.
 */
export async function* generateFrom(
  model: SequenceToSequenceModel,
  inputs: readonly (readonly number[])[],
  options: GenerationOptions = {},
  context: GenerationContext = {},
): AsyncGenerator<GeneratedToken, void, void> {
  const { pass = inference } = context;
  const empty = inputs.findIndex((ids) => ids.length === 0);
  if (empty >= 0) throw new ModelError('INVALID_BATCH', `Input ${empty} has no tokens; give at least one.`);
  if (inputs.length === 0) return;
  const batch = paddedInputs(inputs, model.tokenizer.padId);
  const encoded = model.encode(batch, pass);
  try {
    const writer = {
      tokenizer: model.tokenizer,
      endIds: model.endIds,
      maxLength: Infinity, // positions are relative
      hidden: (written: Parameters<typeof model.hidden>[0], own = pass, cache?: Parameters<typeof model.hidden>[3]) =>
        model.hidden(written, encoded, own, cache),
      scores: model.scores.bind(model),
      newCache: model.newCache.bind(model),
    };
    yield* generate(
      writer,
      inputs.map(() => [model.startId]),
      options,
      context,
    );
  } finally {
    tf.dispose([encoded.states, batch.ids, batch.mask]);
  }
}

const step = 16; // input lengths come in multiples of it: each new one is a graph to compile

function paddedInputs(inputs: readonly (readonly number[])[], padId: number) {
  const time = Math.ceil(Math.max(...inputs.map(({ length }) => length)) / step) * step;
  const filled = (ids: readonly number[], fill: number) => [...ids, ...Array<number>(time - ids.length).fill(fill)];
  const shape: [number, number] = [inputs.length, time];
  const marks = inputs.flatMap((ids) => filled(Array<number>(ids.length).fill(1), 0));
  return {
    ids: tf.tensor2d(
      inputs.flatMap((ids) => filled(ids, padId)),
      shape,
      'int32',
    ),
    mask: tf.tensor2d(marks, shape, 'int32'),
  };
}
