export interface LogSums {
  add(m: number, logTerm: number): void;
  /** The largest term so far. */
  highest(m: number): number;
  logs(): Float64Array;
}

/** Running log sum exp, one for each sample, in float64. */
export function logSums(where: string, samples: number): LogSums {
  const top = new Float64Array(samples).fill(Number.NEGATIVE_INFINITY);
  const total = new Float64Array(samples);
  return {
    add: (m, logTerm) => {
      if (Number.isNaN(logTerm)) {
        throw new Error(`${where}: the density of sample ${m} under a posterior is NaN.`);
      }
      const highest = top[m] as number;
      if (logTerm > highest) {
        total[m] = (total[m] as number) * Math.exp(highest - logTerm) + 1;
        top[m] = logTerm;
      } else if (logTerm > Number.NEGATIVE_INFINITY) {
        total[m] = (total[m] as number) + Math.exp(logTerm - highest);
      }
    },
    highest: (m) => top[m] as number,
    logs: () => top.map((highest, m) => highest + Math.log(total[m] as number)),
  };
}
