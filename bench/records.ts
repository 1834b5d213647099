/** What the processes of a benchmark print, a line of JSON each. */
export type Record = WorkloadRecord | FailureRecord | LimitRecord;

export interface WorkloadRecord {
  readonly kind: 'workload';
  readonly implementation: string;
  readonly workload: string;
  /** ms. */
  readonly median: number;
  readonly least: number;
  readonly runs: number;
  /** Trained numbers. */
  readonly parameters: number;
  /** What came out beside what should have, in words. */
  readonly checks: string;
  readonly isRight: boolean;
  /** The largest that the process has been, before the workload and after it. */
  readonly megabytes: readonly [before: number, after: number];
  /** Of a step. */
  readonly kernels?: KernelCount;
}

/** What a step asks of a backend of TensorFlow.js. */
export interface KernelCount {
  readonly calls: number;
  /** Programs that the GPU was given; none on other backends. */
  readonly programs: number;
  /** By kernel, the costly ones first. */
  readonly profile: readonly { readonly name: string; readonly calls: number; readonly ms: number }[];
}

export interface FailureRecord {
  readonly kind: 'failure';
  readonly implementation: string;
  readonly workload: string;
  readonly reason: string;
}

export interface LimitRecord {
  readonly kind: 'limit';
  readonly implementation: string;
  readonly what: string;
  readonly unit: string;
  readonly value: number;
}

export const print = (record: Record): void => console.log(JSON.stringify(record));
