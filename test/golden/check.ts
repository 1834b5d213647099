import type { Tensor } from '@tensorflow/tfjs-core';
import { neg } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from 'tfjs-flows';
import type { GoldenArray, GoldenCase } from './cases.js';
import { arraysOf } from './cases.js';
import { isExported } from './components.js';

/** What an adapter reports to. Every array of `expected` must be compared, listed as pending, or set aside with a reason. */
export interface Check {
  /** Compares with the expected array of that path: |a - b| <= tolerance (1 + |b|). */
  near(path: string, actual: Tensor, tolerance: number): Promise<void>;
  /** Requires an error of our own to be small. */
  small(what: string, error: number, tolerance: number): void;
  /** Requires two results of ours to be the same. */
  agree(what: string, actual: Tensor, reference: Tensor, tolerance: number): Promise<void>;
  /** A comparison of numbers that are already on the host. */
  nearNumbers(path: string, actual: ArrayLike<number>, tolerance: number): void;
  /** Compares with the expected array of that path, each number within a bound of its own. */
  within(path: string, actual: ArrayLike<number>, bounds: ArrayLike<number>): void;
  /** These paths follow from the inputs by arithmetic that is no component's. */
  aside(reason: string, ...paths: string[]): void;
  /**
   * Whether all of the components are exported. Where one is not, the paths (default: the whole case) are listed as pending;
   * what to call them in the list can be said with `part`.
   */
  has(components: readonly string[], part?: { readonly name: string; readonly paths: readonly string[] }): boolean;
}

/** A case's part, or a whole case, that waits for a component. */
export interface Pending {
  readonly name: string;
  readonly needs: readonly string[];
}

/** What became of a case. */
export interface CaseResult {
  readonly name: string;
  /** Comparisons that were made. */
  readonly compared: number;
  readonly failures: readonly string[];
  readonly pending: readonly Pending[];
}

/** Runs an adapter on a case. */
export async function runCase(
  golden: GoldenCase,
  adapter: (golden: GoldenCase, check: Check) => Promise<void>,
): Promise<CaseResult> {
  const expected = new Map(arraysOf(golden.expected));
  const open = new Set(expected.keys());
  const failures: string[] = [];
  const pending: Pending[] = [];
  let compared = 0;

  const settle = (paths: readonly string[]): void => {
    for (const path of paths) {
      if (!open.delete(path)) {
        throw new Error(expected.has(path) ? `'${path}' is looked at twice` : `the case expects no '${path}'`);
      }
    }
  };
  const small = (what: string, error: number, tolerance: number): void => {
    compared += 1;
    // Written so that NaN fails.
    if (!(error <= tolerance)) {
      failures.push(`${what}: error ${error.toPrecision(3)}, tolerance ${tolerance}`);
    }
  };
  const compare = (
    path: string,
    actual: ArrayLike<number>,
    tolerance: number,
    error: (data: readonly number[]) => number,
  ): void => {
    settle([path]);
    const { data } = expected.get(path) as GoldenArray;
    if (actual.length !== data.length) {
      failures.push(`${path}: ${actual.length} numbers, expected ${data.length}`);
    } else {
      small(path, error(data), tolerance);
    }
  };
  const nearNumbers: Check['nearNumbers'] = (path, actual, tolerance) =>
    compare(path, actual, tolerance, (data) => largestError(actual, data));
  const check: Check = {
    small,
    agree: async (what, actual, reference, tolerance) => {
      const sameShape = actual.shape.join() === reference.shape.join();
      small(what, sameShape ? largestError(await actual.data(), await reference.data()) : Number.NaN, tolerance);
    },
    nearNumbers,
    within: (path, actual, bounds) =>
      compare(path, actual, 1, (data) =>
        largest(data.map((b, i) => Math.abs((actual[i] as number) - b) / (bounds[i] as number))),
      ),
    near: async (path, actual, tolerance) => {
      const { shape } = expected.get(path) ?? { shape: [] };
      if (expected.has(path) && actual.shape.join() !== shape.join()) {
        settle([path]);
        failures.push(`${path}: shape [${actual.shape.join(', ')}], expected [${shape.join(', ')}]`);
        return;
      }
      nearNumbers(path, await actual.data(), tolerance);
    },
    aside: (_, ...paths) => settle(paths),
    has: (components, part) => {
      const needs = components.filter((name) => !isExported(name));
      if (needs.length > 0) {
        settle(part?.paths ?? [...open]);
        pending.push({ name: part === undefined ? golden.name : `${golden.name}: ${part.name}`, needs });
      }
      return needs.length === 0;
    },
  };

  try {
    await adapter(golden, check);
    if (open.size > 0) {
      failures.push(`not compared: ${[...open].join(', ')}`);
    }
  } catch (error) {
    failures.push((error as Error).message);
  }
  return { name: golden.name, compared, failures, pending };
}

/** The largest |a - b| / (1 + |b|), NaN where a number is NaN. */
export function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return largest(Array.from(expected, (b, i) => Math.abs((actual[i] as number) - b) / (1 + Math.abs(b))));
}

/** NaN where one is, which `Math.max` sees to, and 0 for none. */
const largest = (errors: readonly number[]): number => errors.reduce((worst, error) => Math.max(worst, error), 0);

/**
 * Our inverse finds an x whose image is y, to within the tolerance, and its log-det is the negative of the forward one there.
 * That is what rounding leaves of an inverse where the map is nearly flat.
 */
export async function checkRoundTrip(
  check: Check,
  bijector: Bijector,
  y: Tensor,
  tolerance: number,
  options: CallOptions = {},
): Promise<void> {
  const [x, inverseLogDet] = bijector.inverseAndLogDet(y, options);
  const [back, logDet] = bijector.forwardAndLogDet(x, options);
  await check.agree('forward(inverse(y)) against y', back, y, tolerance);
  await check.agree("the inverse's log-det against the forward one", neg(inverseLogDet), logDet, tolerance);
}
