import type { Tensor } from '@tensorflow/tfjs-core';
import { tensor } from '@tensorflow/tfjs-core';
import { checkDrawShape } from './drawShape.js';
import { checkInteger, invalid } from './errors.js';
import { fused } from './fused.js';
import { sizeOf } from './shapes.js';

/** All there is to a generator: plain data, fit for JSON. */
export interface RngState {
  readonly key: readonly [number, number];
  /** Blocks of four 32-bit words drawn so far. */
  readonly counter: number;
}

/** A counter-based generator of random numbers: the same seed gives the same numbers on every backend. */
export interface Rng {
  /** Uniform 32-bit words. */
  bits(count: number): Uint32Array;
  /**
   * float32 numbers of the open interval (low, high), default (0, 1): 23 random bits and a half, so that neither 0 nor 1 can
   * come and a logit is finite. Other ends can come where float32 rounds to them.
   */
  uniform(shape: readonly number[], low?: number, high?: number): Tensor;
  /** Standard normal float32 numbers (Box-Muller, in float64 on the host and on WASM; GPUs round differently, by 2e-6 at most). */
  normal(shape: readonly number[]): Tensor;
  /** Generators whose numbers are independent of this one's and of each other's. Splitting again gives new ones. */
  split(count: number): Rng[];
  /** The state, as plain numbers. */
  save(): RngState;
  /** Goes on from a saved state. */
  restore(state: RngState): void;
}

/**
 * Makes a generator: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 *
 * @param seed an integer of at most 2^53 in size, or a saved state. Default: a fresh seed.
 * @throws where the seed is neither.
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 *
 * const rng = createRng(7);
 * const saved = rng.save();
 * const first = rng.bits(2).join();
 * rng.restore(saved);
 * console.log(rng.bits(2).join() === first); // => true
 * ```
 */
export function createRng(seed?: number | RngState): Rng {
  let { key, counter } = stateOf(seed);

  const bits = (count: number): Uint32Array => {
    checkInteger('rng.bits', 'count', count, 0);
    const words = new Uint32Array(4 * Math.ceil(count / 4));
    for (let i = 0; i < count; i += 4) {
      philox(key, counter++, DRAW, words, i);
    }
    return words.subarray(0, count);
  };

  /** By the backend's kernel, or on the host: one number after the other, of words of which it may take its own and its neighbours. */
  const draw = (
    kernel: string,
    shape: readonly number[],
    numberAt: (words: Uint32Array, i: number) => number,
    span?: object,
  ): Tensor => {
    checkDrawShape('rng', shape, 'shape');
    const [size, start] = [sizeOf(shape), counter];
    const onHost = (): [Tensor] => {
      const words = bits(size + 1);
      const numbers = new Float32Array(size).map((_, i) => numberAt(words, i));
      return [tensor(numbers, [...shape])];
    };
    const [made] = fused(kernel, [], onHost, { key, counter, shape, ...span });
    counter = start + Math.ceil(size / 4);
    return made;
  };

  return {
    bits,
    uniform: (shape, low = 0, high = 1) => {
      const range = (high - low) / 2 ** 23;
      // Infinity times 0 is no number, and nothing is above that.
      if (!(range > range * 0)) {
        throw invalid('rng.uniform', 'high', `a number above ${low}`, high);
      }
      return draw(UNIFORMS, shape, (words, i) => low + range * (((words[i] as number) >>> 9) + 0.5), { low, high });
    },
    normal: (shape) =>
      draw(NORMALS, shape, (words, i) => {
        // A pair of words makes a pair of numbers.
        const first = i - (i % 2);
        const radius = Math.sqrt(-2 * Math.log(((words[first] as number) + 0.5) / TWO_32));
        const angle = (2 * Math.PI * (words[first + 1] as number)) / TWO_32;
        return radius * (i === first ? Math.cos(angle) : Math.sin(angle));
      }),
    split: (count) => {
      checkInteger('rng.split', 'count', count, 1);
      return Array.from({ length: count }, () => {
        const words = new Uint32Array(4);
        philox(key, counter++, SPLIT, words, 0);
        return createRng({ key: [words[0] as number, words[1] as number], counter: 0 });
      });
    },
    save: () => ({ key: [...key], counter }),
    restore: (state) => {
      // Not undefined or a number, which would be a seed.
      ({ key, counter } = stateOf(Object(state)));
    },
  };
}

/** Names of the fused kernels, which have no inputs. */
export const NORMALS = 'FlowsNormals';
export const UNIFORMS = 'FlowsUniforms';

/** What they are told: where in the stream numbers begin, how many, and of uniform ones the ends. */
export interface NoiseAttributes {
  readonly key: readonly [number, number];
  readonly counter: number;
  readonly shape: readonly number[];
  readonly low?: number;
  readonly high?: number;
}

const TWO_32 = 2 ** 32;
/** The fourth counter word keeps drawn numbers and keys of children apart. */
const DRAW = 0;
const SPLIT = 1;

function stateOf(seed: number | RngState = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)): RngState {
  const { key, counter } = Number.isSafeInteger(seed)
    ? { key: [(seed as number) >>> 0, Math.floor((seed as number) / TWO_32) >>> 0], counter: 0 }
    : ((seed ?? {}) as RngState);
  const isWord = (value: number): boolean => value === value >>> 0;
  if (!Array.isArray(key) || key.length !== 2 || !key.every(isWord) || !Number.isSafeInteger(counter) || counter < 0) {
    throw invalid('createRng', 'seed', 'an integer below 2^53 in size or a state { key, counter }', seed);
  }
  return { key: [...key] as unknown as [number, number], counter };
}

/** One Philox 4x32 block of ten rounds, written to `out` at `at`. */
export function philox(key: readonly [number, number], counter: number, stream: number, out: Uint32Array, at: number): void {
  // Of whatever is a number here, operators and the array take the lowest 32 bits.
  let [k0, k1] = key;
  let c0 = counter;
  let c1 = counter / TWO_32;
  let c2 = 0;
  let c3 = stream;
  for (let round = 0; round < 10; round++) {
    const high = multiplyHigh(0xd2511f53, c0);
    const low = Math.imul(0xd2511f53, c0);
    c0 = multiplyHigh(0xcd9e8d57, c2) ^ c1 ^ k0;
    c1 = Math.imul(0xcd9e8d57, c2);
    c2 = high ^ c3 ^ k1;
    c3 = low;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  out[at] = c0;
  out[at + 1] = c1;
  out[at + 2] = c2;
  out[at + 3] = c3;
}

/** The upper 32 bits of a 64-bit product, with `b` in halves: every number on the way is an integer below 2^53. */
function multiplyHigh(a: number, b: number): number {
  return Math.floor((a * (b >>> 16) + Math.floor((a * (b & 0xffff)) / 65536)) / 65536);
}
