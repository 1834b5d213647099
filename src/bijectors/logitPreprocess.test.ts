import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkBijector } from '../testing/index.js';
import { logitPreprocess } from './logitPreprocess.js';

/** z and log|dz/dx| in float64. */
function closedForm(x: number, levels: number, lambda: number): [z: number, logDerivative: number] {
  const slope = (1 - 2 * lambda) / levels;
  const [below, above] = [lambda + slope * x, lambda + slope * (levels - x)];
  return [Math.log(below / above), Math.log(slope / (below * above))];
}

describe('logitPreprocess', () => {
  it.each([
    [256, 0.05],
    [256, 1e-6],
    [65536, 1e-6],
    [2, 0.2],
    [1, 0],
  ])('has the closed form up to both ends: %i levels, lambda %d', (levels, lambda) => {
    const shares = [2 ** -12, 0.01, 0.3, 0.5, 0.77, 0.99, 1 - 2 ** -20, 1 - 2 ** -24];
    const xs = shares.map((share) => Math.fround(share * levels)).concat(lambda > 0 ? [0, levels] : []);
    const bijector = logitPreprocess({ levels, lambda, eventRank: 0 });
    const [z, logDet] = bijector.forwardAndLogDet(tf.tensor1d(xs));
    const [zs, logDets] = [z.dataSync(), logDet.dataSync()];
    xs.forEach((x, i) => {
      const [expected, logDerivative] = closedForm(x, levels, lambda);
      expect(Math.abs((zs[i] as number) - expected)).toBeLessThan(2e-6 * (1 + Math.abs(expected)));
      expect(Math.abs((logDets[i] as number) - logDerivative)).toBeLessThan(2e-6 * (1 + Math.abs(logDerivative)));
    });
    // To a few spacings of float32 below the upper end.
    tf.sub(bijector.inverse(z), xs)
      .dataSync()
      .forEach((error) => {
        // biome-ignore format: short
        expect(Math.abs(error)).toBeLessThan(3e-7 * levels);
      });
  });

  it('has lambda 0.05 and vectors by default, whose log-derivatives it adds', () => {
    const x = [3.5, 200.25, 255.5];
    const [z, logDet] = logitPreprocess({ levels: 256 }).forwardAndLogDet(tf.tensor1d(x));
    const expected = x.map((value) => closedForm(value, 256, 0.05));
    expect(z.dataSync()[1]).toBeCloseTo(expected[1]?.[0] as number, 5);
    expect(logDet.shape).toEqual([]);
    expect(logDet.dataSync()[0]).toBeCloseTo(
      expected.reduce((total, [, each]) => total + each, 0),
      5,
    );
    expect(logitPreprocess({ levels: 4, eventRank: 3 }).forwardAndLogDet(tf.ones([5, 2, 2, 1]))[1].shape).toEqual([5]);
  });

  it('keeps the laws of a bijector', async () => {
    const rng = createRng(1);
    await checkBijector({ bijector: logitPreprocess({ levels: 5, lambda: 0.1 }), x: rng.uniform([2, 3], 0.5, 4.5) });
    await checkBijector({ bijector: logitPreprocess({ levels: 1, eventRank: 0 }), x: rng.uniform([4], 0.1, 0.9) });
  });

  it('inverts any z, to somewhat more than the interval', () => {
    const back = logitPreprocess({ levels: 9, lambda: 0.1 })
      .inverse(tf.tensor1d([-100, 0, 100]))
      .dataSync();
    expect(Array.from(back, (value) => Number(value.toFixed(4)))).toEqual([-1.125, 4.5, 10.125]);
  });

  it('is infinite at the ends of that range, and NaN beyond', () => {
    const z = logitPreprocess({ levels: 8, lambda: 0.25, eventRank: 0 }).forward(tf.tensor1d([-4, -4.5, 12, 12.5]));
    expect([...z.dataSync()]).toEqual([-Infinity, Number.NaN, Infinity, Number.NaN]);
  });

  it('names what is wrong', () => {
    expect(() => logitPreprocess({ levels: 0 })).toThrow(
      'logitPreprocess: options.levels should be a positive integer, but got 0.',
    );
    expect(() => logitPreprocess({ levels: 256, lambda: 0.5 })).toThrow(
      'logitPreprocess: options.lambda should be a finite number at least 0 and below 0.5, but got 0.5.',
    );
    expect(() => logitPreprocess({ levels: 256, lambda: -1e-6 })).toThrow('options.lambda should be');
    expect(() => logitPreprocess({ levels: 256, eventRank: -1 })).toThrow('options.eventRank should be an integer of at least 0');
    expect(() => logitPreprocess({ levels: 256, alpha: 0.05 } as never)).toThrow("unknown option 'alpha'");
    expect(() => logitPreprocess({ levels: 256 }).forward(tf.scalar(3))).toThrow('logitPreprocess.forward: x should be');
  });
});
