/** Times of a repeated piece of work, ms. */
export interface Times {
  readonly median: number;
  readonly least: number;
  readonly runs: number;
}

/** How long to measure. */
export interface Patience {
  /** Runs before the measurement; fewer where one takes seconds. */
  readonly warmUp: number;
  /** The measurement ends after so many seconds and so many runs, */
  readonly seconds: number;
  readonly leastRuns: number;
  /** after so many runs, */
  readonly mostRuns: number;
  /** or after so many seconds and a few runs. */
  readonly mostSeconds: number;
  readonly fewRuns: number;
}

export const PATIENT: Patience = { warmUp: 8, seconds: 4, leastRuns: 30, mostRuns: 2000, mostSeconds: 15, fewRuns: 3 };
/** For CI: that it runs is all that counts. */
export const BRIEF: Patience = { warmUp: 0, seconds: 0, leastRuns: 1, mostRuns: 1, mostSeconds: 0, fewRuns: 1 };

/** Runs a piece of work until there are enough times. */
export async function measure(work: () => unknown, patience: Patience): Promise<Times> {
  const once = async (): Promise<number> => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const first = patience.warmUp > 0 ? await once() : 0;
  const enough = first > 1000 ? 1 : patience.warmUp;
  for (let run = 1; run < enough; run++) {
    await once();
  }
  const times: number[] = [];
  const began = performance.now();
  const isEnough = (): boolean => {
    const seconds = (performance.now() - began) / 1000;
    return (
      times.length >= patience.mostRuns ||
      (times.length >= patience.leastRuns && seconds >= patience.seconds) ||
      (times.length >= patience.fewRuns && seconds >= patience.mostSeconds)
    );
  };
  while (!isEnough()) {
    times.push(await once());
  }
  return { median: median(times), least: Math.min(...times), runs: times.length };
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
