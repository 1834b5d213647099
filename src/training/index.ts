export type { Adam, AdamOptions } from './adam.js';
export { adam } from './adam.js';
export type { CheckpointStore } from './checkpoint.js';
export { fileStore } from './checkpoint.js';
export type { Batch, BatchSource, EpochOptions, FitData } from './data.js';
export type { FitCheckpoint, FitOptions, FitResult, LossOptions } from './fit.js';
export { fit } from './fit.js';
export type { NamedTensor, Optimizer } from './optimizer.js';
export type { FitProgress } from './progress.js';
export type {
  CosineScheduleOptions,
  CyclicalScheduleOptions,
  ExponentialScheduleOptions,
  LinearScheduleOptions,
  Schedule,
  WarmupScheduleOptions,
} from './schedules.js';
export {
  constantSchedule,
  cosineSchedule,
  cyclicalSchedule,
  exponentialSchedule,
  linearSchedule,
  warmupSchedule,
} from './schedules.js';
