/** A fixed piece of work: a training step, or a computation without gradients. */
export interface Workload {
  /** 'P1' ... 'P10'. */
  readonly name: string;
  make(): Prepared;
}

/** A workload of one implementation, ready to run. */
export interface Prepared {
  /** Trained numbers. */
  readonly parameters: number;
  /** What must come out: run once before anything is timed. */
  check(thorough: boolean): Promise<readonly Comparison[]>;
  step(): Promise<unknown>;
  dispose(): void;
}

/** A figure beside what it should be. */
export interface Comparison {
  readonly what: string;
  readonly got: number;
  readonly expected: number;
  /** By how much it may differ. */
  readonly tolerance: number;
}

export const agrees = ({ got, expected, tolerance }: Comparison): boolean => Math.abs(got - expected) <= tolerance;

/** A figure that may differ by 1e-4 of what is expected. */
const relative = (what: string, got: number, expected: number): Comparison => ({
  what,
  got,
  expected,
  tolerance: 1e-4 * Math.abs(expected),
});

/** The loss at the initial weights: with fixed noise and the first batch, where a step draws or moves on. */
export interface Losses {
  readonly loss0: number;
  /** The loss that a later step of Adam returns, which checks the gradients. */
  readonly later?: { readonly step: number; readonly loss: number };
}

export const LOSSES: Readonly<Record<'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'P10', Losses>> = {
  P1: { loss0: 4.19406 },
  P2: { loss0: 43.4521 },
  P3: { loss0: 2.92643, later: { step: 20, loss: 2.8366 } },
  P4: { loss0: 91.9107, later: { step: 20, loss: 50.815 } },
  P5: { loss0: 45.1419, later: { step: 20, loss: 39.667 } },
  P6: { loss0: 90.5358, later: { step: 20, loss: 67.501 } },
  P7: { loss0: 560.446 },
  // In float64. Gradients of 1e-9 that are rounding alone move the 20th loss by 1e-3: Adam makes whole steps of them.
  P10: { loss0: 3.26651, later: { step: 8, loss: 3.00308 } },
};

/** Compares an implementation's losses with those. */
export async function checkLosses(
  expected: Losses,
  thorough: boolean,
  loss0: () => Promise<number>,
  step: () => Promise<number>,
): Promise<Comparison[]> {
  const found = [relative('loss0', await loss0(), expected.loss0)];
  if (thorough && expected.later !== undefined) {
    for (let i = 1; i < expected.later.step; i++) {
      await step();
    }
    found.push(relative(`loss${expected.later.step}`, await step(), expected.later.loss));
  }
  return found;
}

/** The surgery's two figures, in float64 (P8). */
export const checkSurgery = (mutualInformation: number, marginalKl: number): Comparison[] => [
  relative('mutual information', mutualInformation, 4.03929),
  relative('marginal KL', marginalKl, 3.58346),
];

/** The largest error of the quantiles (P9). */
export function checkQuantiles(found: ArrayLike<number>, wanted: Float64Array): Comparison[] {
  const error = wanted.reduce((most, x, i) => Math.max(most, Math.abs((found[i] as number) - x)), 0);
  return [{ what: 'largest error', got: error, expected: 0, tolerance: 1e-5 }];
}
