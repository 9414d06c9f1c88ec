export { adamW, type AdamWOptions } from './optimizer/adamw.js';
export type { Optimizer, Update } from './optimizer/optimizer.js';
export { sgd, type SgdOptions } from './optimizer/sgd.js';
export { NonFiniteLossError } from './non-finite-loss-error.js';
export { constantSchedule, cosineSchedule, linearSchedule, type Schedule, type WarmupOptions } from './schedule.js';
export { train } from './train.js';
export type { TrainOptions } from './train-options.js';
export type { TrainingEvent } from './training-event.js';
export type { TrainingTask } from './training-task.js';
