/** Continuing texts: causal language modelling on texts, prompts with completions, or conversations. */
import { loadLanguageModel } from '@loran/models';
import { encodeLanguageExamples, languageModelTask, type TrainingTask } from '@loran/trainer';
import { measureLanguageModel } from '../measure.js';
import { languageTask } from './language-task.js';

export const languageModel = languageTask({
  name: 'language-model',
  taskType: 'CAUSAL_LM',
  defaults: { batchSize: 8, learningRate: 5e-4, maxLength: 512, evaluators: ['perplexity'] },
  load: loadLanguageModel,
  async trainingTask(model, texts, { maxLength, appendEnd, progress, ...training }) {
    const examples = await encodeLanguageExamples(texts, model, { maxLength, appendEnd, ...progress.tokenise });
    const allowEndless = !appendEnd; // then it is meant
    return languageModelTask({ model, examples, allowEndless, ...training }) as TrainingTask<unknown>;
  },
  measure: measureLanguageModel,
});
