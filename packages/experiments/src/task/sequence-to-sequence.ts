/** Writing one text from another: T5 and its kind, on prompts with completions. */
import { loadSequenceToSequenceModel } from '@loran/models';
import { encodePairs, sequenceToSequenceTask, type TrainingTask } from '@loran/trainer';
import { measurePairs } from '../measure.js';
import { languageTask } from './language-task.js';

export const sequenceToSequence = languageTask({
  name: 'sequence-to-sequence',
  taskType: 'SEQ_2_SEQ_LM',
  defaults: { batchSize: 8, learningRate: 1e-3, maxLength: 512, evaluators: ['perplexity'] },
  load: loadSequenceToSequenceModel,
  trainingTask(model, texts, { maxLength, appendEnd, progress, ...training }) {
    const examples = encodePairs(texts, model, { maxLength, appendEnd, ...progress.tokenise });
    const allowEndless = !appendEnd; // then it is meant
    const task = sequenceToSequenceTask({ model, examples, allowEndless, ...training });
    return Promise.resolve(task as TrainingTask<unknown>);
  },
  measure: measurePairs,
});
