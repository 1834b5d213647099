import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { parameter } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { sechSquared } from '../core/sechSquared.js';
import { own } from '../core/stopGradient.js';
import { checkBijector } from '../testing/checkBijector.js';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { relativeError } from '../testing/laws.js';
import type { ElementwiseOptions } from './elementwise.js';
import { elementwise } from './elementwise.js';

const cubic = (x: tf.Tensor): tf.Tensor => tf.add(x, tf.mul(x, tf.square(x)));
const cubicLogSlope = (x: tf.Tensor): tf.Tensor => tf.log(tf.add(1, tf.mul(3, tf.square(x))));
const cube: ElementwiseOptions = { forward: cubic, logDerivative: cubicLogSlope };
const inputs = [-30, -3, -1, -0.01, 0, 1e-3, 0.5, 1, 2, 7.9, 8.1, 30];

function expectNear(actual: tf.Tensor, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(relativeError(actual.dataSync(), expected)).toBeLessThanOrEqual(tolerance);
}

describe('elementwise', () => {
  test('is the given functions', () => {
    const map = elementwise({ forward: tf.sinh, inverse: tf.asinh, logDerivative: (x) => tf.log(tf.cosh(x)), eventRank: 1 });
    const x = tf.tensor2d([
      [0.5, -1],
      [2, 0],
    ]);
    const [y, logDet] = map.forwardAndLogDet(x);
    const [back, inverseLogDet] = map.inverseAndLogDet(y);
    const expected = [Math.log(Math.cosh(0.5) * Math.cosh(1)), Math.log(Math.cosh(2))];
    expectNear(y, Array.from(x.dataSync(), Math.sinh));
    expectNear(logDet, expected);
    expectNear(back, x.dataSync());
    expectNear(
      inverseLogDet,
      expected.map((value) => -value),
    );
    expect([map.name, map.forwardEventRank, map.forwardCost, map.inverseCost]).toEqual([
      'elementwise',
      1,
      'parallel',
      'parallel',
    ]);
  });

  const cases: [string, ElementwiseOptions, (x: number) => number, (x: number) => number][] = [
    ['rises', cube, (x) => x + x ** 3, (x) => 1 + 3 * x * x],
    ['falls', { ...cube, forward: (x) => tf.neg(cubic(x)) }, (x) => -x - x ** 3, (x) => 1 + 3 * x * x],
    ['is searched in a given bracket', { ...cube, bracket: [-40, 50] }, (x) => x + x ** 3, (x) => 1 + 3 * x * x],
    [
      'is steep above and flat below',
      {
        forward: (x) => tf.add(tf.mul(x, 0.01), tf.elu(x)),
        logDerivative: (x) => tf.log(tf.add(0.01, tf.exp(tf.neg(tf.relu(tf.neg(x)))))),
      },
      (x) => 0.01 * x + (x >= 0 ? x : Math.expm1(x)),
      (x) => 0.01 + (x >= 0 ? 1 : Math.exp(x)),
    ],
  ];
  test.each(cases)('inverts a function that %s', (_, options, f, slope) => {
    const map = elementwise(options);
    const [y, logDet] = map.forwardAndLogDet(tf.tensor1d(inputs));
    expectNear(y, inputs.map(f));
    const logSlopes = inputs.map((x) => Math.log(slope(x)));
    expectNear(logDet, logSlopes, 1e-5);
    const [x, inverseLogDet] = map.inverseAndLogDet(y);
    expectNear(x, inputs, 2e-5);
    expectNear(
      inverseLogDet,
      logSlopes.map((value) => -value),
      2e-5,
    );
    const gradient = tf.grad((at: tf.Tensor) => map.inverse(at))(y);
    expectNear(
      gradient,
      inputs.map((value) => Math.sign(f(1) - f(0)) / slope(value)),
      2e-5,
    );
    expect(map.inverseCost).toBe('iterative');
  });

  test('finds roots as far as 7e10, and ends there', () => {
    const map = elementwise({ forward: (x) => tf.mul(x, 2), logDerivative: (x) => tf.fill(x.shape, Math.LN2) });
    expectNear(map.inverse(tf.tensor1d([-1e11, 3e6, 4e10, 1e30])), [-5e10, 1.5e6, 2e10, 8 ** 12]);
  });

  test('ends at an end of a given bracket', () => {
    const map = elementwise({ ...cube, bracket: [-1, 2] });
    expectNear(map.inverse(tf.tensor1d([-100, 3, 100])), [-1, 1.2134116628, 2]);
  });

  test('has the gradient of a parameter though f is infinitely steep at an end of the bracket', () => {
    const inverse = (a: tf.Tensor): tf.Tensor =>
      elementwise({
        forward: (x) => tf.sqrt(tf.mul(x, a)),
        logDerivative: (x) => tf.mul(0.5, tf.log(tf.div(a, tf.mul(x, 4)))),
        bracket: [0, 9],
      }).inverse(tf.scalar(3));
    // x = y^2 / a
    expectNear(inverse(tf.scalar(2)), [4.5]);
    expectNear(tf.grad(inverse)(tf.scalar(2)), [-2.25]);
  });

  test('obeys the laws, without an inverse', async () => {
    await checkBijector({ bijector: elementwise(cube), x: createRng(1).normal([2, 3]) });
    await checkBijector({ bijector: elementwise({ ...cube, eventRank: 1 }), x: createRng(2).normal([2, 3]) });
    const [map, y] = [elementwise(cube), tf.scalar(1)];
    await expectNoLeak(() => map.inverse(y));
  });

  test('owns parameters, which gradients reach through the search', async () => {
    const slope = parameter(() => tf.scalar(0.3));
    const bijector = elementwise({
      name: 'bent',
      parameters: { slope },
      forward: (x, call) => tf.add(tf.mul(x, tf.exp(own(slope, call))), tf.tanh(x)),
      logDerivative: (x, call) => tf.log(tf.add(tf.exp(own(slope, call)), sechSquared(x))),
      eventRank: 1,
    });
    expect(bijector.name).toBe('bent');
    expect(bijector.parameters.slope).toBe(slope);
    await checkBijector({ bijector, x: createRng(3).normal([4, 2]) });
    bijector.dispose();
    expect(slope.isDisposed).toBe(true);
  });

  test.each<[string, unknown, string]>([
    ['no options', undefined, 'elementwise: options should be an object'],
    ['no forward', {}, 'elementwise: options.forward should be a function, but got nothing.'],
    ['an inverse', { ...cube, inverse: 1 }, 'elementwise: options.inverse should be a function, but got 1.'],
    ['no derivative', { forward: cubic }, 'elementwise: options.logDerivative should be a function, but got nothing.'],
    ['a derivative', { ...cube, logDerivative: 2 }, 'elementwise: options.logDerivative should be a function, but got 2.'],
    ['an eventRank', { ...cube, eventRank: -1 }, 'elementwise: options.eventRank should be an integer of at least 0'],
    ['a misspelt option', { ...cube, backward: cubic }, "elementwise: unknown option 'backward'"],
    ['a bracket', { ...cube, bracket: 3 }, 'elementwise: options.bracket should be two numbers [low, high], but got 3.'],
    ['a bracket of one', { ...cube, bracket: [3] }, 'elementwise: options.bracket should be two numbers [low, high]'],
    ['a falling bracket', { ...cube, bracket: [3, 2] }, 'elementwise: options.bracket[1] should be a finite number above 3'],
    ['an infinite bracket', { ...cube, bracket: [-Infinity, 2] }, 'elementwise: options.bracket[0] should be a finite number'],
    [
      'a bracket beside an inverse',
      { ...cube, inverse: cubic, bracket: [0, 1] },
      'elementwise: options.bracket should be left out where an inverse is given',
    ],
  ])('%s is an error', (_, options, message) => {
    expect(() => elementwise(options as ElementwiseOptions)).toThrow(message);
  });

  test('calls with a wrong dtype are errors that name it', () => {
    const map = elementwise({ ...cube, name: 'mine' });
    expect(() => map.forward(tf.scalar(1, 'int32'))).toThrow('mine.forward: x should be a float32 tensor');
    expect(() => elementwise({ name: 'mine' } as never)).toThrow('mine: options.forward');
  });
});
