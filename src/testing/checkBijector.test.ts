import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import type { Bijector, BijectorSpec } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { parameter } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { own, stopGradient } from '../core/stopGradient.js';
import { checkBijector } from './checkBijector.js';
import { logAbsDet } from './linearAlgebra.js';

/** y = x exp(a) + c . context, right in everything; `change` breaks one thing. */
function scaling(change: (a: tf.Variable) => Partial<BijectorSpec> = () => ({})): Bijector {
  const a = parameter(() => tf.tensor1d([0.7, -0.4]));
  const logDetOf = (x: tf.Tensor, sign: number, frozen: { frozen?: boolean }): tf.Tensor =>
    tf.add(tf.zeros(x.shape.slice(0, -1)), tf.mul(tf.sum(own(a, frozen)), sign));
  return defineBijector({
    name: 'scaling',
    forwardEvent: [2],
    contextDim: 2,
    parameters: { a },
    forwardAndLogDet: (x, call) => [tf.add(tf.mul(x, tf.exp(own(a, call))), call.context as tf.Tensor), logDetOf(x, 1, call)],
    inverseAndLogDet: (y, call) => [
      tf.mul(tf.sub(y, call.context as tf.Tensor), tf.exp(tf.neg(own(a, call)))),
      logDetOf(y, -1, call),
    ],
    ...change(a),
  });
}

const check = async (bijector: Bijector, shape: number[] = [3, 2]) => {
  const rng = createRng(0);
  return checkBijector({ bijector, x: rng.normal(shape), context: rng.normal(shape) });
};

describe('checkBijector', () => {
  test.each([[[2]], [[1, 2]], [[3, 2]], [[2, 2, 2]]])('accepts a right bijector at shape %j', async (shape) => {
    const { checks, errors } = await check(scaling(), shape);
    expect(checks).toBeGreaterThan(30);
    expect(errors['forward log-det against the Jacobian']).toBeLessThan(1e-5);
    expect(Object.keys(errors)).toContain('inverse gradient in a against finite differences');
  });

  test('leaves no tensors', async () => {
    const bijector = scaling();
    const rng = createRng(0);
    const [x, context] = [rng.normal([3, 2]), rng.normal([3, 2])];
    await checkBijector({ bijector, x, context, gradients: 'joint' });
    const before = tf.memory().numTensors;
    await checkBijector({ bijector, x, context });
    expect(tf.memory().numTensors).toBe(before);
  });

  const batch = (x: tf.Tensor): number[] => x.shape.slice(0, -1);
  const logDet = (x: tf.Tensor, a: tf.Tensor, sign: number): tf.Tensor => tf.add(tf.zeros(batch(x)), tf.mul(tf.sum(a), sign));
  const ctx = (call: { context?: tf.Tensor }): tf.Tensor => call.context as tf.Tensor;
  const forwardOf = (x: tf.Tensor, a: tf.Tensor, call: { context?: tf.Tensor }): tf.Tensor =>
    tf.add(tf.mul(x, tf.exp(a)), ctx(call));
  const inverseOf = (y: tf.Tensor, a: tf.Tensor, call: { context?: tf.Tensor }): tf.Tensor =>
    tf.mul(tf.sub(y, ctx(call)), tf.exp(tf.neg(a)));
  const broken: [string, RegExp, (a: tf.Variable) => Partial<BijectorSpec>][] = [
    [
      'a wrong sign of both log-dets',
      /forward log-det against the Jacobian.*\n.*inverse log-det against the Jacobian/,
      (a) => ({
        forwardAndLogDet: (x, call) => [forwardOf(x, own(a, call), call), logDet(x, own(a, call), -1)],
        inverseAndLogDet: (y, call) => [inverseOf(y, own(a, call), call), logDet(y, own(a, call), 1)],
      }),
    ],
    [
      'a log-det without a term',
      /forward log-det against the Jacobian/,
      (a) => ({
        forwardAndLogDet: (x, call) => [forwardOf(x, own(a, call), call), logDet(x, tf.slice(own(a, call), 0, 1), 1)],
      }),
    ],
    [
      'an inverse that is none',
      /inverse\(forward\(x\)\) against x/,
      (a) => ({ inverseAndLogDet: (y, call) => [inverseOf(y, tf.mul(own(a, call), 1.01), call), logDet(y, own(a, call), -1)] }),
    ],
    [
      'a log-det that keeps the event axis',
      /the log-det should be of shape \[3\], but got a float32 tensor of shape \[3, 2\]/,
      (a) => ({ forwardAndLogDet: (x, call) => [forwardOf(x, own(a, call), call), tf.add(tf.zerosLike(x), own(a, call))] }),
    ],
    [
      'a stopped parameter',
      /forward gradient in a exists/,
      (a) => ({ forwardAndLogDet: (x, call) => [forwardOf(x, stopGradient(a), call), logDet(x, stopGradient(a), 1)] }),
    ],
    [
      'a half gradient',
      /forward gradient in a against finite differences/,
      (a) => ({ forwardAndLogDet: (x, call) => [forwardOf(x, own(a, call), call), logDet(x, stopGradient(a), 1)] }),
    ],
    [
      'a parameter that frozen does not stop',
      /inverse gradient in a stops when frozen/,
      (a) => ({ inverseAndLogDet: (y, call) => [inverseOf(y, a, call), logDet(y, own(a, call), -1)] }),
    ],
    [
      'frozen that stops the input',
      /forward gradient in the input, frozen against free/,
      (a) => ({
        forwardAndLogDet: (x, call) => [
          tf.add(forwardOf(own(x, call), own(a, call), call), tf.mul(x, 0)),
          logDet(x, own(a, call), 1),
        ],
      }),
    ],
    [
      'examples that see each other',
      /forward of one example alone/,
      (a) => ({
        forwardAndLogDet: (x, call) => [
          tf.add(forwardOf(x, own(a, call), call), tf.mul(0.01, stopGradient(tf.sum(x)))),
          logDet(x, own(a, call), 1),
        ],
      }),
    ],
    [
      'a forward unlike its twin',
      /forward against forwardAndLogDet/,
      (a) => ({ forward: (x, call) => tf.add(forwardOf(x, own(a, call), call), 0.01) }),
    ],
    [
      'a leak',
      /forward leaves only its results: forward: left 1 tensor behind/,
      (a) => ({
        forward: (x, call) => {
          tf.keep(tf.scalar(1));
          return forwardOf(x, own(a, call), call);
        },
      }),
    ],
    [
      'NaN',
      /forward log-det against the Jacobian: error NaN/,
      (a) => ({
        forwardAndLogDet: (x, call) => [forwardOf(x, own(a, call), call), tf.mul(logDet(x, own(a, call), 1), Number.NaN)],
      }),
    ],
  ];
  test.each(broken)('refuses %s', async (_, message, change) => {
    await expect(check(scaling(change))).rejects.toThrow(message);
  });

  test('refuses a log-det of another shape from a bijector that checks nothing itself', async () => {
    const right = scaling();
    const bijector: Bijector = {
      ...right,
      forwardAndLogDet: (x, call) => {
        const [y, logDet] = right.forwardAndLogDet(x, call);
        return [y, tf.expandDims(logDet, -1)];
      },
    };
    await expect(check(bijector)).rejects.toThrow(/forward log-det has the batch shape: \[3,1\]/);
  });

  test('refuses a gradient missing in the context', async () => {
    const bijector = scaling((a) => ({
      forwardAndLogDet: (x, call) => [
        tf.add(forwardOf(x, own(a, call), { context: stopGradient(ctx(call)) }), tf.mul(ctx(call), 1e-3)),
        logDet(x, own(a, call), 1),
      ],
    }));
    await expect(check(bijector)).rejects.toThrow(/gradient in the context against finite differences/);
  });

  test('names an unknown option', async () => {
    await expect(checkBijector({ bijector: scaling(), input: tf.zeros([2]) } as never)).rejects.toThrow("unknown option 'input'");
  });
});

describe('logAbsDet', () => {
  test.each([
    [[[2]], Math.log(2)],
    [
      [
        [0, 3],
        [-2, 5],
      ],
      Math.log(6),
    ],
    [
      [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 10],
      ],
      Math.log(3),
    ],
    [
      [
        [0, 0, 1],
        [0, -1, 0],
        [1, 0, 0],
      ],
      0,
    ],
  ])('of %j', (matrix, expected) => {
    expect(logAbsDet(matrix)).toBeCloseTo(expected, 10);
  });

  test('of a singular matrix is -infinity or below any real log-det', () => {
    expect(
      logAbsDet([
        [1, 2],
        [2, 4],
      ]),
    ).toBeLessThan(-30);
  });
});
