import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { logistic } from './logistic.js';

describe('logistic', () => {
  it('is a distribution', async () => {
    await checkDistribution({
      distribution: logistic({ location: tf.tensor1d([0.5, -0.5]), logScale: tf.tensor1d([-0.5, -1]) }),
    });
    await checkDistribution({ distribution: logistic({ location: 1, scale: 0.75 }) });
  });

  it('has the closed form, tails included', () => {
    const p = logistic({ location: 0.5, logScale: -0.25 });
    for (const x of [-300, -30, -3, 0.5, 2, 30, 300]) {
      const z = (x - 0.5) * Math.exp(0.25);
      const expected = -Math.abs(z) - 2 * Math.log1p(Math.exp(-Math.abs(z))) + 0.25;
      const found = p.logProb(tf.scalar(x)).arraySync() as number;
      expect(Math.abs(found - expected) / (1 + Math.abs(expected))).toBeLessThan(1e-6);
    }
    expect(p.entropy?.().arraySync()).toBeCloseTo(1.75, 6);
    expect(p.mean?.().arraySync()).toBe(0.5);
    expect(p.mode?.().arraySync()).toBe(0.5);
  });

  it('draws by the quantile function, reparameterised', () => {
    const [location, logScale] = [tf.tensor1d([1, -2, 0]), tf.tensor1d([0, 1, -1])];
    const draw = (l: tf.Tensor, s: tf.Tensor) => logistic({ location: l, logScale: s }).sample({ rng: createRng(4) });
    const u = createRng(4).uniform([3]).dataSync();
    const x = draw(location, logScale).dataSync();
    const [inLocation, inScale] = tf.grads((l, s) => tf.sum(draw(l, s)))([location, logScale]) as [tf.Tensor, tf.Tensor];
    expect(inLocation.arraySync()).toEqual([1, 1, 1]);
    [0, 1, 2].forEach((i) => {
      const z = Math.log(u[i] as number) - Math.log1p(-(u[i] as number));
      const scale = Math.exp([0, 1, -1][i] as number);
      expect(x[i]).toBeCloseTo(([1, -2, 0][i] as number) + scale * z, 5);
      expect(inScale.dataSync()[i]).toBeCloseTo(scale * z, 5);
    });
    const count = 20000;
    const { mean, variance } = tf.moments(logistic({ location: 2, scale: 0.5 }).sample({ shape: [count], rng: createRng(5) }));
    const deviation = (0.5 * Math.PI) / Math.sqrt(3);
    expect(Math.abs((mean.arraySync() as number) - 2)).toBeLessThan((5 * deviation) / Math.sqrt(count));
    // The fourth central moment of a logistic is 4.2 variances squared.
    expect(Math.abs((variance.arraySync() as number) - deviation ** 2)).toBeLessThan(5 * deviation ** 2 * Math.sqrt(3.2 / count));
  });

  it('has finite gradients in the tails', () => {
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(logistic({ location: 0, scale: 1 }).logProb(x)))(tf.tensor1d([-30, 0, 30]));
    expect(gradient.arraySync()).toEqual([1, 0, -1]);
  });

  it('owns parameters where trainable, and leaks nothing', async () => {
    const before = tf.memory().numTensors;
    const p = logistic({ eventShape: [2], trainable: true });
    expect(Object.keys(p.parameters)).toEqual(['location', 'logScale']);
    await expectNoLeak(() => [p.sample({ shape: [3] }), p.mean?.(), p.mode?.(), p.entropy?.()]);
    p.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names what is wrong', () => {
    expect(() => logistic({ scale: 1 })).toThrow('logistic: options.location should be a float32 tensor');
    expect(() => logistic({ location: 0 })).toThrow('logistic: options.logScale should be a float32 tensor');
    expect(() => logistic({ location: 0, scale: 0 })).toThrow('logistic: options.scale should be a finite number above 0');
    expect(() => logistic({ mean: 0, scale: 1 } as object)).toThrow("logistic: unknown option 'mean'");
  });
});
