/** Milliseconds by which the wait may be longer than the work. */
const TOLERANCE = 0.05;
/** Calls to do without it after it was late: so many at first, each time twice as many, up to a limit. */
const REST = 16;
const LONGEST_REST = 4096;

/** Whether a second thread keeps up. */
export interface Punctuality {
  /** To be asked before each call; false while it had better be done without. */
  keepsUp(): boolean;
  /** To be told how long one waited for its half of a call, and how long the other half took. */
  waited(wait: number, work: number): void;
}

/**
 * Where other programs have its core, waiting for a second thread takes longer than doing its part. Then it is done without for some
 * calls, and tried again.
 */
export function watchPunctuality(): Punctuality {
  let left = 0;
  let rest = REST;
  return {
    keepsUp: () => {
      left = Math.max(0, left - 1);
      return left === 0;
    },
    waited: (wait, work) => {
      const isLate = wait > work + TOLERANCE;
      left = isLate ? rest + 1 : 0;
      rest = isLate ? Math.min(2 * rest, LONGEST_REST) : Math.max(REST, rest / 2);
    },
  };
}
