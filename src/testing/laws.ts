/** Collects broken laws, so that one run names them all, and the largest error that each law showed. */
export interface Laws {
  /** Records the error of a law and whether it is within tolerance. */
  measure(law: string, error: number, tolerance: number): void;
  /** Records a law that holds or not. */
  require(law: string, holds: boolean, found?: string): void;
  /** Runs a check that throws where a law is broken. */
  attempt(law: string, check: () => unknown): Promise<void>;
  /** @throws with every broken law, or returns the report. */
  conclude(name: string): LawReport;
}

/** What a check measured. */
export interface LawReport {
  /** How many laws were checked. */
  readonly checks: number;
  /** The largest error of each measured law. */
  readonly errors: Readonly<Record<string, number>>;
}

export function createLaws(): Laws {
  const broken: string[] = [];
  const errors: Record<string, number> = {};
  let checks = 0;
  return {
    measure: (law, error, tolerance) => {
      checks += 1;
      errors[law] = Math.max(errors[law] ?? 0, error);
      // Written so that NaN breaks the law.
      if (!(error <= tolerance)) {
        broken.push(`${law}: error ${error.toPrecision(3)}, tolerance ${tolerance}`);
      }
    },
    require: (law, holds, found) => {
      checks += 1;
      if (!holds) {
        broken.push(found === undefined ? law : `${law}: ${found}`);
      }
    },
    attempt: async (law, check) => {
      checks += 1;
      try {
        await check();
      } catch (error) {
        broken.push(`${law}: ${(error as Error).message}`);
      }
    },
    conclude: (name) => {
      if (broken.length > 0) {
        throw new Error(`${name} breaks ${broken.length} of ${checks} laws:\n  ${broken.join('\n  ')}`);
      }
      return { checks, errors };
    },
  };
}

/** The largest |a - b| / (1 + |b|). NaN where the lengths differ or a number is not finite in one alone. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) {
    return Number.NaN;
  }
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const [left, right] = [a[i] as number, b[i] as number];
    const error = left === right ? 0 : Math.abs(left - right) / (1 + Math.abs(right));
    if (!(error <= worst)) {
      worst = error;
    }
    if (Number.isNaN(worst)) {
      return worst;
    }
  }
  return worst;
}
