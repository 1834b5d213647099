import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { add, concat, slice, tidy } from '@tensorflow/tfjs-core';
import { multiply } from '../kernels/dense/multiply.js';
import { splitRows } from '../kernels/splitRows/splitRows.js';

/** What `maskedSteps` takes. */
export interface MaskedLayer {
  /** W^T [outputs, inputs]; its masked entries are never looked at. */
  readonly kernel: Tensor;
  /** [outputs, N]. */
  readonly offset: Tensor;
  /** Degrees of the inputs, from -1, sorted. */
  readonly from: readonly number[];
  /** Degrees of the outputs, from -1, sorted. An output sees the inputs up to its own degree. */
  readonly to: readonly number[];
}

/** A masked layer in the course of its evaluation. */
export interface MaskedSteps {
  /**
   * The outputs [count, N] of a degree, given the inputs [count, N] of the same; undefined where there are none. The degrees come
   * in turn, -1, 0, 1 ...
   */
  next(degree: number, inputs: Tensor | undefined): Tensor | undefined;
}

/**
 * W^T x + offset of a masked layer, x and result [units, N], whose inputs become known degree by degree while its outputs are
 * asked for: each entry of W is used once.
 *
 * By halves: once the first half of the degrees is done, what its inputs add to the outputs of the second half is added in one
 * product, and each half goes the same way. So there is one product a step, most of them small, and of D degrees each output is
 * added to log2 D times at most. With steps counted from 1, the one that ends a half of size s, the largest power of 2 that
 * divides its number, brings the inputs of the last s steps to the outputs of the next s, its own included.
 */
export function maskedSteps({ kernel, offset, from, to }: MaskedLayer): MaskedSteps {
  const [inputsBefore, outputsBefore] = [counter(from), counter(to)];
  const inputs = new Map<number, Tensor>();
  /** Sums so far, by the first of the steps that they are the outputs of. */
  const sums = new Map<number, Tensor>();
  /** Keeps the outputs of the steps `start` ... `start + size - 1` in pieces as they will be needed. */
  const cut = (sum: () => Tensor, start: number, size: number): void => {
    const starts = [start];
    for (let half = 1; half < size; half *= 2) {
      starts.push(start + half);
    }
    const counts = starts.map((first, i) => outputsBefore(starts[i + 1] ?? start + size) - outputsBefore(first));
    const pieces = tidy(() =>
      splitRows(
        sum(),
        counts.filter((count) => count !== 0),
      ),
    );
    starts
      .filter((_, i) => counts[i] !== 0)
      .forEach((first, i) => {
        sums.set(first, pieces[i] as Tensor);
      });
  };
  const takeSum = (step: number): Tensor | undefined => {
    const sum = sums.get(step);
    sums.delete(step);
    return sum;
  };
  let all = 1;
  while (outputsBefore(all) < to.length) {
    all *= 2;
  }
  cut(() => offset, 0, all);

  return {
    next: (degree, fresh) => {
      const step = stepOf(degree);
      if (fresh !== undefined) {
        inputs.set(step, fresh);
      }
      const sum = takeSum(step);
      if (sum === undefined) {
        return undefined;
      }
      const size = step & -step;
      const first = step - size + 1;
      const known = [...inputs].filter(([from]) => from >= first).map(([, units]) => units);
      const added = (): Tensor => {
        const [row, column] = [outputsBefore(step), inputsBefore(first)];
        const part = slice(kernel, [row, column], [sum.shape[0] as number, inputsBefore(step + 1) - column]);
        return add(sum, multiply(part as Tensor2D, concat(known, 0) as Tensor2D));
      };
      cut(known.length === 0 ? () => sum : added, step, size);
      return takeSum(step);
    },
  };
}

const stepOf = (degree: number): number => degree + 2;

/** How many of the sorted degrees come before a step. */
function counter(degrees: readonly number[]): (step: number) => number {
  const counts: number[] = [];
  degrees.forEach((degree, i) => {
    while (counts.length <= stepOf(degree)) {
      counts.push(i);
    }
  });
  return (step) => counts[step] ?? degrees.length;
}
