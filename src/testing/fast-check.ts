import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor } from '@tensorflow/tfjs-core';
import type { Arbitrary } from 'fast-check';
import { array, constantFrom, integer, noBias, oneof } from 'fast-check';
import { sizeOf } from '../core/shapes.js';

/** A drawn tensor as plain data, so that fast-check can print and shrink it. */
export interface DrawnTensor {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** What `tensorArbitrary` takes. */
export interface TensorArbitraryOptions {
  /** Trailing axes. */
  readonly event: readonly number[];
  /** Leading axes to draw from. Default: none, one, [1], [3] and [2, 2]. */
  readonly batches?: readonly (readonly number[])[];
  /** Default -3. */
  readonly low?: number;
  /** Default 3. */
  readonly high?: number;
}

/**
 * Tensors [...batch, ...event] with float32 numbers of an interval, the ends and the middle more often than by chance.
 *
 * @example
 * ```ts
 * import fc from 'fast-check';
 * import { toTensor, tensorArbitrary } from 'tfjs-flows/testing/fast-check';
 *
 * fc.assert(fc.property(tensorArbitrary({ event: [2] }), (drawn) => toTensor(drawn).shape.at(-1) === 2));
 * ```
 */
export function tensorArbitrary(options: TensorArbitraryOptions): Arbitrary<DrawnTensor> {
  const { event, batches = DEFAULT_BATCHES, low = -3, high = 3 } = options;
  // Evenly over the interval: fast-check's `double` is even over bit patterns, and so nearly always next to 0.
  const number = oneof(
    { weight: 8, arbitrary: noBias(integer({ min: 0, max: GRID })).map((k) => Math.fround(low + ((high - low) * k) / GRID)) },
    { weight: 1, arbitrary: constantFrom(low, high, (low + high) / 2) },
  );
  return constantFrom(...batches).chain((batch) => {
    const shape = [...batch, ...event];
    const size = sizeOf(shape);
    return array(number, { minLength: size, maxLength: size }).map((values) => ({ shape, values }));
  });
}

/** A seed for `createRng`. */
export function seedArbitrary(): Arbitrary<number> {
  return integer({ min: 0, max: 2 ** 31 - 1 });
}

/** The tensor that was drawn; the caller's to dispose. */
export function toTensor(drawn: DrawnTensor): Tensor {
  return tensor([...drawn.values], [...drawn.shape], 'float32');
}

const GRID = 2 ** 22;

const DEFAULT_BATCHES: readonly (readonly number[])[] = [[], [1], [3], [2, 2]];
