import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, clone, dispose, grads, mul, neg, reshape, scalar, slice, sum, tidy, variableGrads } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { checkOptions } from '../core/errors.js';
import { parameter } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { batchShapeOf, sizeOf } from '../core/shapes.js';
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
  /** Compare with finite differences for each parameter by itself ('each', default) or for all at once ('joint', fewer calls). */
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
  input: Tensor,
  { tolerance, gradients, rng }: GradientSettings,
): Promise<void> {
  const probe = tidy(() => bijector[`${direction}AndLogDet`](input, call).map((part) => rng.normal(part.shape)));
  const [c, d] = probe as [Tensor, Tensor];
  const loss = (value: Tensor, options: CallOptions): Tensor => {
    const [output, logDet] = bijector[`${direction}AndLogDet`](value, options);
    return add(sum(mul(output, c)), sum(mul(logDet, d)));
  };
  const differentiable = call.context === undefined ? [input] : [input, call.context];
  const withContext = (value: Tensor | undefined, extra: CallOptions = {}): CallOptions =>
    value === undefined ? extra : { ...extra, context: value };

  // In the input and the context, free and frozen.
  const inputGradients = grads((value: Tensor, context?: Tensor) => loss(value, withContext(context)))(differentiable);
  const frozenGradients = grads((value: Tensor, context?: Tensor) => loss(value, withContext(context, { frozen: true })))(
    differentiable,
  );
  for (const [i, name] of ['input', 'context'].slice(0, differentiable.length).entries()) {
    const [free, frozen] = await read([inputGradients[i] as Tensor, frozenGradients[i] as Tensor]);
    laws.measure(`${direction} gradient in the ${name}, frozen against free`, relativeError(frozen, free), tolerance.gradient);
  }

  // In the parameters.
  const parameters = Object.entries(bijector.parameters);
  const parameterGradients = await gradientsOf(() => loss(input, call), parameters);
  const frozenParameters = await gradientsOf(() => loss(input, { ...call, frozen: true }), parameters);
  for (const [name] of parameters) {
    laws.require(`${direction} gradient in ${name} exists`, parameterGradients[name] !== undefined);
    laws.require(`${direction} gradient in ${name} stops when frozen`, frozenParameters[name]?.every((g) => g === 0) ?? true);
  }

  // Against finite differences, along random directions.
  const lossOnHost = async (value: Tensor, options: CallOptions): Promise<number> => {
    const [output, logDet] = tidy(() => bijector[`${direction}AndLogDet`](value, options));
    const [o, l, cs, ds] = await read([output, logDet, c, d]);
    dispose([output, logDet]);
    return dot(o, cs) + dot(l, ds);
  };
  const compare = async (
    law: string,
    moved: readonly { readonly gradient: ArrayLike<number>; readonly shape: number[] }[],
    at: (offsets: Tensor[] | undefined) => Promise<number>,
  ): Promise<void> => {
    const directions = moved.map(({ shape }) => rng.normal(shape));
    const norm = Math.sqrt((await read(directions)).reduce((total, values) => total + dot(values, values), 0));
    const slopeAt = async (step: number): Promise<number> => {
      const offsets = directions.map((value) => tidy(() => mul(value, step / norm)));
      const opposite = offsets.map((value) => tidy(() => neg(value)));
      const difference = (await at(offsets)) - (await at(opposite));
      dispose([offsets, opposite]);
      return difference / (2 * step);
    };
    const values = await read(directions);
    const exact =
      values.reduce((total, value, i) => total + dot(value, (moved[i] as { gradient: ArrayLike<number> }).gradient), 0) / norm;
    // A step too long feels the curvature, one too short the rounding; a right gradient agrees with one of them.
    let best = Number.POSITIVE_INFINITY;
    for (const step of STEPS) {
      // Richardson: the error of the central difference falls from step^2 to step^4.
      const numeric = (4 * (await slopeAt(step / 2)) - (await slopeAt(step))) / 3;
      best = Math.min(best, nanLast(relativeError([exact], [numeric])));
      if (best <= tolerance.gradient) {
        break;
      }
    }
    laws.measure(law, best, tolerance.gradient);
    dispose(directions);
  };
  for (const [i, name] of ['input', 'context'].slice(0, differentiable.length).entries()) {
    const gradient = inputGradients[i] as Tensor;
    const [values] = await read([gradient]);
    await compare(
      `${direction} gradient in the ${name} against finite differences`,
      [{ gradient: values, shape: gradient.shape }],
      async (offsets) => {
        const shifted = differentiable.map((value, j) =>
          tidy(() => (i === j ? add(value, (offsets as Tensor[])[0] as Tensor) : clone(value))),
        );
        const result = await lossOnHost(shifted[0] as Tensor, withContext(shifted[1]));
        dispose(shifted);
        return result;
      },
    );
  }
  const present = parameters.filter(([name]) => parameterGradients[name] !== undefined);
  const groups = gradients === 'each' ? present.map((entry) => [entry]) : present.length > 0 ? [present] : [];
  for (const group of groups) {
    const names = gradients === 'each' ? (group[0] as [string, Variable])[0] : 'all parameters';
    await compare(
      `${direction} gradient in ${names} against finite differences`,
      group.map(([name, value]) => ({ gradient: parameterGradients[name] as ArrayLike<number>, shape: value.shape })),
      async (offsets) => {
        const kept = group.map(([, value]) => tidy(() => clone(value)));
        group.forEach(([, value], j) => {
          tidy(() => value.assign(add(value, (offsets as Tensor[])[j] as Tensor)));
        });
        const result = await lossOnHost(input, call);
        group.forEach(([, value], j) => {
          value.assign(kept[j] as Tensor);
        });
        dispose(kept);
        return result;
      },
    );
  }
  dispose([c, d, inputGradients, frozenGradients]);
}

const STEPS: readonly number[] = [2 ** -5, 2 ** -7, 2 ** -9, 2 ** -11];

/** The gradients by name, read; a parameter that the loss does not depend on is left out. */
async function gradientsOf(
  loss: () => Tensor,
  parameters: readonly (readonly [string, Variable])[],
): Promise<Record<string, Float32Array>> {
  if (parameters.length === 0) {
    return {};
  }
  // TensorFlow.js throws where no variable at all has a gradient, which is what frozen means: an anchor always has one.
  const anchor = parameter(() => scalar(0));
  const { value, grads: byId } = variableGrads(
    () => add(loss(), anchor) as Scalar,
    [anchor, ...parameters.map(([, variable]) => variable)],
  );
  const found: Record<string, Float32Array> = {};
  for (const [name, variable] of parameters) {
    const gradient = byId[variable.name];
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
