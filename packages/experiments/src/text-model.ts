/** Models that write: those that continue a text, and those that write one from another (T5). */
import {
  generate,
  type GeneratedToken,
  generateFrom,
  type GenerationContext,
  type GenerationOptions,
  type LanguageModel,
  type LanguageModelOptions,
  type Loading,
  loadLanguageModel,
  loadSequenceToSequenceModel,
  type ModelFamily,
  type ModelSource,
  type SequenceToSequenceModel,
} from '@loran/models';

export type TextModel = LanguageModel | SequenceToSequenceModel;

/** Whether models of the family write one text from another, and do not continue texts. */
export const writesFromOthers = (family: ModelFamily): boolean =>
  family.languageModel === undefined && family.sequenceToSequenceModel !== undefined;

/** The model by what its family can do: continue texts, else write them from others. */
export function loadTextModel(
  source: ModelSource,
  family: ModelFamily,
  options: LanguageModelOptions & Loading,
): Promise<TextModel> {
  return writesFromOthers(family) ? loadSequenceToSequenceModel(source, options) : loadLanguageModel(source, options);
}

/** What is done with a prompt, whichever kind of model has it. */
export interface Writer {
  /** The ids of a plain text, as the model is prompted with it. */
  promptIds(text: string): readonly number[];
  write(
    prompts: readonly (readonly number[])[],
    options: GenerationOptions,
    context: GenerationContext,
  ): AsyncGenerator<GeneratedToken, void, void>;
}

export function writerOf(model: TextModel): Writer {
  const { tokenizer } = model;
  if ('startId' in model) {
    return {
      promptIds: (text) => tokenizer.encode([text])[0] ?? [],
      write: (inputs, options, context) => generateFrom(model, inputs, options, context),
    };
  }
  return {
    promptIds: (text) => [...tokenizer.before, ...(tokenizer.encode([text], { addSpecialTokens: false })[0] ?? [])],
    write: (prompts, options, context) => generate(model, prompts, options, context),
  };
}
