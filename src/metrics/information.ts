import type { Columns } from './table.js';
import { classesOf } from './table.js';

/** The bin of each number: `bins` equal ones from the least to the greatest, which is in the last. */
export function binsOf(column: Float64Array, bins: number): Int32Array {
  const least = column.reduce((a, b) => Math.min(a, b));
  const width = (column.reduce((a, b) => Math.max(a, b)) - least) / bins;
  return Int32Array.from(column, (value) => (width === 0 ? 0 : Math.min(bins - 1, Math.floor((value - least) / width))));
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
  const [ofA, ofB, joint] = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  const width = b.reduce((most, value) => Math.max(most, value), 0) + 1;
  const count = (counts: Map<number, number>, key: number): void => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  for (let i = 0; i < a.length; i++) {
    const [left, right] = [a[i] as number, b[i] as number];
    count(ofA, left);
    count(ofB, right);
    count(joint, left * width + right);
  }
  let total = 0;
  for (const [key, both] of joint) {
    const expected = ((ofA.get(Math.floor(key / width)) as number) * (ofB.get(key % width) as number)) / a.length;
    total += (both / a.length) * Math.log(both / expected);
  }
  return total;
}
