import { sumOf } from '../core/statistics.js';
import type { Columns } from './table.js';
import { classesOf } from './table.js';

/** The bin of each number: `bins` equal ones from the least to the greatest, which is in the last. */
export function binsOf(column: Float64Array, bins: number): Int32Array {
  const least = column.reduce((a, b) => Math.min(a, b));
  const width = (column.reduce((a, b) => Math.max(a, b)) - least) / bins;
  // Of a constant column that is 0 / 0, NaN, which an integer array takes as 0.
  return Int32Array.from(column, (value) => Math.min(bins - 1, Math.floor((value - least) / width)));
}

/** The mutual information of each code, in bins, with each factor, [D][K], and the entropy of each factor, [K]; nats. */
export interface Information {
  readonly mutualInformation: number[][];
  readonly factorEntropy: number[];
}

export function informationOf({ codes, factors }: Columns, bins: number): Information {
  const labels = factors.map((column) => classesOf(column).labels);
  return {
    mutualInformation: codes.map((column) => {
      const binned = binsOf(column, bins);
      return labels.map((factor) => mutualInformationOf(binned, factor));
    }),
    // What a variable tells of itself.
    factorEntropy: labels.map((factor) => mutualInformationOf(factor, factor)),
  };
}

/** sum p(a, b) log p(a, b) / (p(a) p(b)) of the empirical distribution, in nats. */
function mutualInformationOf(a: Int32Array, b: Int32Array): number {
  const joint = new Map<number, Map<number, number>>();
  a.forEach((left, i) => {
    const row = joint.get(left) ?? new Map<number, number>();
    count(row, b[i] as number);
    joint.set(left, row);
  });
  const ofB = new Map<number, number>();
  b.forEach((right) => {
    count(ofB, right);
  });
  let total = 0;
  for (const row of joint.values()) {
    const ofA = sumOf([...row.values()]);
    for (const [right, both] of row) {
      total += (both / a.length) * Math.log(both / ((ofA * (ofB.get(right) as number)) / a.length));
    }
  }
  return total;
}

function count(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
