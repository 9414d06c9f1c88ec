export type { ActivationLike } from './activation/activation-laws.js';
export { describeActivation, type ActivationLawOptions } from './activation/describe-activation.js';
export { describeAdapterMethod, type AdapterMethodLawOptions } from './adapter-method/describe-adapter-method.js';
export { describeBaseStorage, type BaseStorageLawOptions } from './base-storage/describe-base-storage.js';
export { describeDataset, type DatasetLawOptions, type DatasetLike } from './dataset/describe-dataset.js';
export { describeReader, type ReaderLawOptions, type ReaderLike } from './dataset/describe-reader.js';
export { descend, type DescendOptions } from './descend.js';
export { describeEngine, type EngineLawOptions } from './engine/describe-engine.js';
export { describeEvaluator, type EvaluatorLawOptions, type EvaluatorLike } from './evaluator/describe-evaluator.js';
export { describePeftAdapters } from './adapter-method/describe-peft-adapters.js';
export { expectClose, type Numbers, type Tolerance } from './expect-close.js';
export { finiteDifferences } from './finite-differences.js';
export { testLaws, type Law, type LawOptions, type LawOutcome, type SkippedLaw } from './law-suite.js';
export { testData } from './test-data.js';
export {
  tinyModel,
  weightSource,
  type TinyModel,
  type TinyModelOptions,
  type WeightSourceOptions,
} from './tiny-model.js';
