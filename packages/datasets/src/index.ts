export { bucketBatches } from './bucket-batches.js';
export type { BucketOptions, LengthBatch } from './bucket-batches.js';
export { collect, inMemory, shuffle, take } from './dataset.js';
export type { Dataset, DatasetPlugin, InMemoryDataset } from './dataset.js';
export { DatasetError } from './dataset-error.js';
export type { DatasetErrorCode } from './dataset-error.js';
export { builtInReaders, readerFor } from './dataset-reader.js';
export type { DatasetReader, Row } from './dataset-reader.js';
export { delimitedReader } from './delimited.js';
export type { DelimitedFormat } from './delimited.js';
export { LabelMap } from './label-map.js';
export { readLanguageExamples } from './language-examples.js';
export type { ChatMessage, LanguageExample, LanguageOptions } from './language-examples.js';
export { padBatch } from './pad-batch.js';
export type { PaddedBatch, PadOptions } from './pad-batch.js';
export { permutation } from './permutation.js';
export type { ShuffleKey } from './permutation.js';
export { split } from './split.js';
export type { SplitOptions } from './split.js';
export { readTextClassification } from './text-classification.js';
export type {
  TextClassificationDataset,
  TextClassificationExample,
  TextClassificationOptions,
} from './text-classification.js';
