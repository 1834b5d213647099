/** What `onProgress` gets. */
export interface FitProgress {
  /** Steps done. */
  readonly step: number;
  /** Steps in all, where that is known: always with `steps` or tensor data, otherwise from the second epoch on. */
  readonly steps?: number;
  /** The current epoch, from 1. */
  readonly epoch: number;
  /** Of this step, before its update. */
  readonly loss: number;
  /** Of this step; undefined where the optimizer does not tell. */
  readonly learningRate?: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly stepsPerSecond: number;
  /** Where `steps` is known. */
  readonly secondsLeft?: number;
}

/** What a step leaves to tell. */
export interface StepResult {
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number | undefined;
}

/** Calls `onProgress` when it is due. */
export interface ProgressReporter {
  report(last: StepResult, step: number, epoch: number): Promise<void>;
  /** Where the step was not reported yet. */
  reportLast(last: StepResult, step: number, epoch: number): Promise<void>;
  epochEnds(batches: number): void;
}

export function progressReporter(
  {
    onProgress,
    progressEvery = 1,
    epochs = 0,
  }: {
    readonly onProgress?: (progress: FitProgress) => void | Promise<void>;
    readonly progressEvery?: number;
    readonly epochs?: number;
  },
  allSteps: number,
  startStep: number,
): ProgressReporter {
  let steps = allSteps;
  let reported = startStep;
  // The first step compiles kernels and fills caches: time is counted from its end, as soon as there are more.
  let from = { step: startStep, time: performance.now() };
  const send = async (last: StepResult, step: number, epoch: number): Promise<void> => {
    reported = step;
    const stepsPerSecond = (step - from.step) / Math.max(1e-9, (performance.now() - from.time) / 1000);
    await onProgress?.({
      step,
      epoch,
      loss: last.loss,
      gradientNorm: last.gradientNorm,
      stepsPerSecond,
      ...(last.learningRate === undefined ? {} : { learningRate: last.learningRate }),
      ...(Number.isFinite(steps) ? { steps, secondsLeft: Math.max(0, steps - step) / stepsPerSecond } : {}),
    });
  };
  return {
    report: async (last, step, epoch) => {
      if (step % progressEvery === 0) {
        await send(last, step, epoch);
      }
      if (step === startStep + 1) {
        from = { step, time: performance.now() };
      }
    },
    reportLast: async (last, step, epoch) => (reported === step ? undefined : send(last, step, epoch)),
    epochEnds: (batches) => {
      if (!Number.isFinite(allSteps)) {
        steps = epochs * batches;
      }
    },
  };
}
