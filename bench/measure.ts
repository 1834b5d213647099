/** Times of a repeated piece of work, ms. */
export interface Times {
  readonly median: number;
  readonly least: number;
  readonly runs: number;
  /** The first of all, which compiles and uploads. */
  readonly first: number;
}

/** How long to measure. */
export interface Patience {
  /** Seconds, once there are enough runs. */
  readonly seconds: number;
  /** Runs before and within the measurement. */
  readonly warmUp: number;
  readonly leastRuns: number;
  readonly mostRuns: number;
}

export const PATIENT: Patience = { seconds: 4, warmUp: 8, leastRuns: 30, mostRuns: 200 };
/** For CI: whether it runs is all that counts. */
export const BRIEF: Patience = { seconds: 0, warmUp: 1, leastRuns: 3, mostRuns: 3 };

/**
 * The median of at least `leastRuns`, and of what `seconds` allow. Runs that take seconds each are warmed up less and may be fewer:
 * none is begun after four times the seconds.
 */
export async function measure(work: () => Promise<unknown> | unknown, patience: Patience): Promise<Times> {
  const { seconds, leastRuns, mostRuns } = patience;
  const once = async (): Promise<number> => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const first = await once();
  const warmUp = first > 5000 ? 0 : first > 1000 ? 1 : patience.warmUp - 1;
  for (let i = 0; i < warmUp; i++) {
    await once();
  }
  const times: number[] = [];
  const began = performance.now();
  for (;;) {
    const elapsed = (performance.now() - began) / 1000;
    const enough = times.length >= leastRuns && elapsed >= seconds;
    const late = times.length >= 3 && seconds > 0 && elapsed > 4 * seconds;
    if (times.length >= mostRuns || enough || late) {
      break;
    }
    times.push(await once());
  }
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] as number, least: sorted[0] as number, runs: sorted.length, first };
}
