import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, clone, dispose, grads, mul, reshape, scalar, slice, sum, tidy, variableGrads } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import { parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { batchShapeOf, sizeOf } from '../core/shapes.js';
import { checkBijectorLike } from '../core/structural.js';
import { expectNoLeak } from './expectNoLeak.js';
import type { LawReport, Laws } from './laws.js';
import { createLaws, relativeError } from './laws.js';
import { logAbsDet } from './linearAlgebra.js';

/** How far float32 may be off, as |a - b| <= tolerance (1 + |b|). */
export interface BijectorTolerance {
  /** inverse(forward(x)) against x, and the other way round. Default 1e-4. */
  readonly roundTrip: number;
  /** Log-dets against the autodiff Jacobian's. Default 1e-3. */
  readonly logDet: number;
  /** Gradients against finite differences. Default 2e-2. */
  readonly gradient: number;
  /** One example alone against the same in a batch. Default 1e-5. */
  readonly batch: number;
}

/** What `checkBijector` takes. */
export interface CheckBijectorOptions {
  readonly bijector: Bijector;
  /** Inputs of `forward`, [...batch, ...event]. The inputs of `inverse` are what `forward` makes of them. */
  readonly x: Tensor;
  /** Where the bijector takes one. */
  readonly context?: Tensor;
  readonly tolerance?: Partial<BijectorTolerance>;
  /** Compare with finite differences in each parameter and input by itself ('each', default), or in all at once ('joint', fewer calls). */
  readonly gradients?: 'each' | 'joint';
  /** Directions of the finite differences. Default: seed 0. */
  readonly rng?: Rng;
}

/**
 * Checks the laws that every bijector must obey at the given inputs, and throws an error that lists those that are broken:
 *
 * - shapes, and `forward` and `inverse` equal to the values of their log-det twins;
 * - round trips, both ways: x is found again, or at least an x with the same y (where the map is nearly flat);
 * - both log-dets against log|det| of the autodiff Jacobian, and each the negative of the other;
 * - an example without batch axes gives what it gives in the batch;
 * - gradients of y, x and both log-dets in the input, every parameter and the context, against finite differences;
 * - `frozen` stops the parameters' gradients and leaves the input's and the context's as they are;
 * - no tensor is leaked, no input disposed.
 *
 * Works on every backend (it never reads synchronously).
 *
 * @throws where a law is broken.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, planar } from 'tfjs-flows';
 * import { checkBijector, randomizeParameters } from 'tfjs-flows/testing';
 *
 * const bijector = planar({ dim: 2 });
 * randomizeParameters(bijector, { rng: createRng(1) });
 * const { errors } = await checkBijector({ bijector, x: createRng(2).normal([5, 2]) });
 * console.log(errors['forward log-det against the Jacobian']! < 1e-4); // => true
 * ```
 */
export async function checkBijector(options: CheckBijectorOptions): Promise<LawReport> {
  checkOptions('checkBijector', options, ['bijector', 'x', 'context', 'tolerance', 'gradients', 'rng']);
  const { bijector, x, context, gradients = 'each', rng = createRng(0) } = options;
  checkBijectorLike('checkBijector', 'options.bijector', bijector);
  checkOptions('checkBijector', options.tolerance ?? {}, ['roundTrip', 'logDet', 'gradient', 'batch']);
  const tolerance: BijectorTolerance = { roundTrip: 1e-4, logDet: 1e-3, gradient: 2e-2, batch: 1e-5, ...options.tolerance };
  const laws = createLaws();
  const call: CallOptions = context === undefined ? {} : { context };

  const [y, forwardLogDet] = bijector.forwardAndLogDet(x, call);
  const back = await checkValues(laws, bijector, call, { x, y, forwardLogDet }, tolerance);
  await checkJacobians(laws, bijector, call, x, y, tolerance);
  await checkFirstAlone(laws, bijector, call, x, y, tolerance);
  for (const direction of ['forward', 'inverse'] as const) {
    await checkGradients(laws, bijector, call, direction, direction === 'forward' ? x : y, { tolerance, gradients, rng });
  }
  for (const method of ['forward', 'inverse', 'forwardAndLogDet', 'inverseAndLogDet'] as const) {
    const input = method.startsWith('forward') ? x : y;
    await laws.attempt(`${method} leaves only its results`, () => expectNoLeak(() => bijector[method](input, call), method));
  }
  laws.require('inputs are not disposed', !x.isDisposed && !y.isDisposed && context?.isDisposed !== true);
  dispose([y, forwardLogDet, back]);
  return laws.conclude(`Bijector '${bijector.name}'`);
}

interface Values {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly forwardLogDet: Tensor;
}

async function checkValues(
  laws: Laws,
  bijector: Bijector,
  call: CallOptions,
  { x, y, forwardLogDet }: Values,
  tolerance: BijectorTolerance,
): Promise<Tensor> {
  const batch = batchShapeOf(x, bijector.forwardEventRank);
  const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();
  const [back, inverseLogDet] = bijector.inverseAndLogDet(y, call);
  const forwardOnly = bijector.forward(x, call);
  const inverseOnly = bijector.inverse(y, call);
  const again = bijector.forward(back, call);

  laws.require('y keeps the batch axes', same(batchShapeOf(y, bijector.inverseEventRank), batch), `[${y.shape}]`);
  laws.require('forward log-det has the batch shape', same(forwardLogDet.shape, batch), `[${forwardLogDet.shape}]`);
  laws.require('inverse log-det has the batch shape', same(inverseLogDet.shape, batch), `[${inverseLogDet.shape}]`);
  laws.require('inverse gives the shape of x', same(back.shape, x.shape), `[${back.shape}]`);
  laws.require('x, y are different tensors', x !== y && y !== back);

  const [xs, ys, backs, agains, forwards, inverses, ldForward, ldInverse] = await read([
    x,
    y,
    back,
    again,
    forwardOnly,
    inverseOnly,
    forwardLogDet,
    inverseLogDet,
  ]);
  laws.measure('forward against forwardAndLogDet', relativeError(forwards, ys), tolerance.batch);
  laws.measure('inverse against inverseAndLogDet', relativeError(inverses, backs), tolerance.batch);
  laws.measure('forward(inverse(y)) against y', relativeError(agains, ys), tolerance.roundTrip);
  // Where the map is so flat that float32 cannot tell its inputs apart, another input with the same output is right.
  const found = Math.min(nanLast(relativeError(backs, xs)), nanLast(relativeError(agains, ys)));
  laws.measure('inverse(forward(x)) against x', found, tolerance.roundTrip);
  const minus = ldForward.map((value) => -value);
  laws.measure('inverse log-det against minus the forward one', relativeError(ldInverse, minus), tolerance.logDet);
  dispose([inverseLogDet, forwardOnly, inverseOnly, again]);
  return back;
}

async function checkJacobians(
  laws: Laws,
  bijector: Bijector,
  call: CallOptions,
  x: Tensor,
  y: Tensor,
  tolerance: BijectorTolerance,
): Promise<void> {
  for (const [direction, input] of [
    ['forward', x],
    ['inverse', y],
  ] as const) {
    const eventRank = direction === 'forward' ? bijector.forwardEventRank : bijector.inverseEventRank;
    const logDet = tidy(() => bijector[`${direction}AndLogDet`](input, call)[1]);
    const expected = await autodiffLogDet((value) => bijector[direction](value, call), input, eventRank);
    const [values] = await read([logDet]);
    laws.measure(`${direction} log-det against the Jacobian`, relativeError(values, expected), tolerance.logDet);
    dispose(logDet);
  }
}

/** log|det dy/dx| for each example, from E vector-Jacobian products; examples must not depend on each other. */
async function autodiffLogDet(f: (x: Tensor) => Tensor, x: Tensor, eventRank: number): Promise<number[]> {
  const size = sizeOf(x.shape.slice(x.shape.length - eventRank));
  const count = sizeOf(x.shape) / size;
  const columns: Float32Array[] = [];
  for (let i = 0; i < size; i++) {
    const row = tidy(() => {
      const pick = (value: Tensor): Tensor => sum(slice(reshape(f(value), [count, size]), [0, i], [count, 1]));
      return (grads(pick)([x], undefined) as Tensor[])[0] as Tensor;
    });
    columns.push((await row.data()) as Float32Array);
    row.dispose();
  }
  return Array.from({ length: count }, (_, n) =>
    logAbsDet(columns.map((column) => Array.from(column.subarray(n * size, (n + 1) * size)))),
  );
}

async function checkFirstAlone(
  laws: Laws,
  bijector: Bijector,
  call: CallOptions,
  x: Tensor,
  y: Tensor,
  tolerance: BijectorTolerance,
): Promise<void> {
  const firstOf = (value: Tensor, eventRank: number): Tensor => {
    const event = value.shape.slice(value.shape.length - eventRank);
    const flat = reshape(value, [-1, ...event]);
    return reshape(slice(flat, 0, 1), event);
  };
  for (const [direction, input] of [
    ['forward', x],
    ['inverse', y],
  ] as const) {
    const [inputRank, outputRank] =
      direction === 'forward'
        ? [bijector.forwardEventRank, bijector.inverseEventRank]
        : [bijector.inverseEventRank, bijector.forwardEventRank];
    const [alone, aloneLogDet, inBatch, inBatchLogDet] = tidy(() => {
      const single: CallOptions = call.context === undefined ? call : { context: firstOf(call.context, 1) };
      const [value, logDet] = bijector[`${direction}AndLogDet`](firstOf(input, inputRank), single);
      const [values, logDets] = bijector[`${direction}AndLogDet`](input, call);
      return [value, logDet, firstOf(values, outputRank), firstOf(logDets, 0)] as const;
    });
    laws.require(`${direction} works without batch axes`, aloneLogDet.shape.length === 0, `log-det [${aloneLogDet.shape}]`);
    const [a, b, c, d] = await read([alone, inBatch, aloneLogDet, inBatchLogDet]);
    const error = Math.max(relativeError(a, b), relativeError(c, d));
    laws.measure(`${direction} of one example alone`, error, tolerance.batch);
    dispose([alone, aloneLogDet, inBatch, inBatchLogDet]);
  }
}

interface GradientSettings {
  readonly tolerance: BijectorTolerance;
  readonly gradients: 'each' | 'joint';
  readonly rng: Rng;
}

/** Checks the gradient of L = <c, value> + <d, logDet>, c and d random, in everything that L depends on. */
async function checkGradients(
  laws: Laws,
  bijector: Bijector,
  call: CallOptions,
  direction: 'forward' | 'inverse',
  at: Tensor,
  { tolerance, gradients, rng }: GradientSettings,
): Promise<void> {
  const input = parameter(() => clone(at));
  const context = call.context === undefined ? undefined : parameter(() => clone(call.context as Tensor));
  const inputs: Leaves = context === undefined ? { 'the input': input } : { 'the input': input, 'the context': context };
  const leaves: Leaves = { ...inputs, ...bijector.parameters };

  const run = (frozen: boolean): [Tensor, Tensor] =>
    bijector[`${direction}AndLogDet`](input, { ...(context === undefined ? {} : { context }), ...(frozen ? { frozen } : {}) });
  const [c, d] = tidy(() => run(false).map((part) => rng.normal(part.shape))) as [Tensor, Tensor];
  const loss = (frozen: boolean): Tensor => {
    const [output, logDet] = run(frozen);
    return add(sum(mul(output, c)), sum(mul(logDet, d)));
  };

  const free = await gradientsOf(() => loss(false), leaves);
  const frozen = await gradientsOf(() => loss(true), leaves);
  for (const name of Object.keys(leaves)) {
    laws.require(`${direction} gradient in ${name} exists`, free[name] !== undefined);
    if (name in inputs) {
      const error = relativeError(frozen[name] ?? [], free[name] ?? []);
      laws.measure(`${direction} gradient in ${name}, frozen against free`, error, tolerance.gradient);
    } else {
      laws.require(`${direction} gradient in ${name} stops when frozen`, frozen[name]?.every((g) => g === 0) ?? true);
    }
  }

  const lossOnHost = async (): Promise<number> => {
    const [output, logDet] = run(false);
    const [o, l, cs, ds] = await read([output, logDet, c, d]);
    dispose([output, logDet]);
    return dot(o, cs) + dot(l, ds);
  };
  const known = Object.keys(leaves).filter((name) => free[name] !== undefined);
  for (const group of gradients === 'each' ? known.map((name) => [name]) : [known]) {
    const what = gradients === 'each' ? (group[0] as string) : 'everything at once';
    // One random direction can miss a missing part.
    for (let i = 0; i < DIRECTIONS[gradients]; i++) {
      const error = await differenceError(group, leaves, free, lossOnHost, tolerance.gradient, rng);
      laws.measure(`${direction} gradient in ${what} against finite differences`, error, tolerance.gradient);
    }
  }
  dispose([c, d, input, ...(context === undefined ? [] : [context])]);
}

/** What a loss depends on, by name. */
type Leaves = Readonly<Record<string, Variable>>;

/** The error of the gradient along a random direction in the leaves of a group, moved together. */
async function differenceError(
  group: readonly string[],
  leaves: Leaves,
  gradients: Readonly<Record<string, Float32Array>>,
  loss: () => Promise<number>,
  tolerance: number,
  rng: Rng,
): Promise<number> {
  const moved = group.map((name) => {
    const leaf = leaves[name] as Variable;
    return { leaf, kept: clone(leaf), direction: rng.normal(leaf.shape), gradient: gradients[name] as Float32Array };
  });
  const directions = await read(moved.map(({ direction }) => direction));
  const norm = Math.sqrt(directions.reduce((total, values) => total + dot(values, values), 0));
  const exact = directions.reduce((total, values, i) => total + dot(values, (moved[i] as (typeof moved)[0]).gradient), 0) / norm;

  const lossAt = async (step: number): Promise<number> => {
    for (const { leaf, kept, direction } of moved) {
      tidy(() => leaf.assign(add(kept, mul(direction, step / norm))));
    }
    return loss();
  };
  const slopeAt = async (step: number): Promise<number> => ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
  // A step too long feels the curvature, one too short the rounding; a right gradient agrees with one of them.
  let best = Number.POSITIVE_INFINITY;
  for (const step of STEPS) {
    // Richardson: the error of the central difference falls from step^2 to step^4.
    const numeric = (4 * (await slopeAt(step / 2)) - (await slopeAt(step))) / 3;
    best = Math.min(best, nanLast(relativeError([exact], [numeric])));
    if (best <= tolerance) {
      break;
    }
  }
  for (const { leaf, kept, direction } of moved) {
    leaf.assign(kept);
    dispose([kept, direction]);
  }
  return best;
}

const DIRECTIONS: Readonly<Record<'each' | 'joint', number>> = { each: 3, joint: 2 };

/** The short ones are for steep gradients, next to a singular map. */
const STEPS: readonly number[] = [5, 7, 9, 11, 12, 13, 14, 15, 16].map((k) => 2 ** -k);

/** The gradients by name, read; what the loss does not depend on is left out. */
async function gradientsOf(loss: () => Tensor, leaves: Leaves): Promise<Record<string, Float32Array>> {
  // TensorFlow.js throws where no variable at all has a gradient, as where the map is constant: an anchor always has one.
  const anchor = parameter(() => scalar(0));
  const { value, grads: byId } = variableGrads(() => add(loss(), anchor) as Scalar, [anchor, ...Object.values(leaves)]);
  const found: Record<string, Float32Array> = {};
  for (const [name, leaf] of Object.entries(leaves)) {
    const gradient = byId[leaf.name];
    if (gradient !== undefined && gradient !== null) {
      found[name] = (await gradient.data()) as Float32Array;
    }
  }
  dispose([value, byId, anchor]);
  return found;
}

async function read<const T extends readonly Tensor[]>(tensors: T): Promise<{ [K in keyof T]: Float32Array }> {
  return (await Promise.all(tensors.map((value) => value.data()))) as { [K in keyof T]: Float32Array };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) {
    total += (a[i] as number) * (b[i] as number);
  }
  return total;
};

const nanLast = (value: number): number => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value);
