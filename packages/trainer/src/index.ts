export { classificationTask, type ClassificationTaskOptions } from './classification/classification-task.js';
export { encodeExamples, type EncodedExample, type EncodeOptions } from './classification/encode-examples.js';
export { evaluateClassifier, type ClassifierEvaluation } from './classification/evaluate-classifier.js';
export { predict, type Predictions, type PredictOptions } from './classification/predict.js';
export { onInterrupt, type Interruption } from './interruption.js';
export {
  encodeLanguageExamples,
  type LanguageEncodeOptions,
  type TextModel,
} from './language-model/encode-language-examples.js';
export type { EncodedText } from './language-model/encoded-text.js';
export { languageModelTask, type LanguageModelTaskOptions } from './language-model/language-model-task.js';
export { scoreTexts, type ScoreOptions } from './language-model/score-texts.js';
export { encodePairs, type EncodedPair, type PairEncodeOptions } from './sequence-to-sequence/encode-pairs.js';
export {
  scorePairs,
  sequenceToSequenceTask,
  type SequenceToSequenceTaskOptions,
} from './sequence-to-sequence/sequence-to-sequence-task.js';
export { NonFiniteLossError } from './non-finite-loss-error.js';
export { adamW8bit } from './optimizer/adamw-8bit.js';
export { adamW, type AdamWOptions } from './optimizer/adamw.js';
export { loraPlus, type LoraPlusOptions } from './optimizer/lora-plus.js';
export type { Optimizer, Update } from './optimizer/optimizer.js';
export { parameterGroups, type ParameterGroup } from './optimizer/parameter-groups.js';
export { sgd, type SgdOptions } from './optimizer/sgd.js';
export { phaseBar, type PhaseBar, type PhaseBarOptions, type PhaseProgress } from './phase-bar.js';
export { progressBar, type ProgressBar, type ProgressBarOptions } from './progress-bar.js';
export { readMetrics, type StepMetrics } from './run-folder/metrics-file.js';
export { RunFolder, type RunDescription, type RunFolderOptions } from './run-folder/run-folder.js';
export { readRun, type RunRecord } from './run-folder/run-record.js';
export { constantSchedule, cosineSchedule, linearSchedule, type Schedule, type WarmupOptions } from './schedule.js';
export type { ProgressStream } from './terminal-line.js';
export { train } from './train.js';
export type { TrainOptions } from './train-options.js';
export type { Metrics, TrainingEvent } from './training-event.js';
export type { TrainingTask } from './training-task.js';
