import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { klDivergence } from './klDivergence.js';
import { laplace } from './laplace.js';
import { logistic } from './logistic.js';

const numbers = (t: tf.Tensor | undefined): number[] => Array.from((t as tf.Tensor).dataSync());

describe('laplace', () => {
  it('is a distribution', async () => {
    await checkDistribution({
      distribution: laplace({ location: tf.tensor1d([0.5, -0.5]), logScale: tf.tensor1d([-0.5, 0.25]) }),
      support: [-15, 15],
      cells: 400,
    });
    await checkDistribution({ distribution: laplace({ location: 1, scale: 0.75 }) });
  });

  it('has the closed form, tails included', () => {
    const p = laplace({
      location: tf.tensor1d([0.5, -1, 2, 0.25]),
      logScale: tf.tensor1d([-0.5, 0.75, 1.25, -2]),
      eventRank: 0,
    });
    // scipy.stats.laplace.
    const expected = [-50.47914594, -2.03360537, -2.08639958, -292.40812711];
    numbers(p.logProb(tf.tensor1d([-30, 0.25, 2.5, 40]))).forEach((value, i) => {
      expect(value / (expected[i] as number)).toBeCloseTo(1, 6);
    });
    numbers(p.entropy?.()).forEach((value, i) => {
      expect(value).toBeCloseTo(1 + Math.LN2 + ([-0.5, 0.75, 1.25, -2][i] as number), 6);
    });
    expect([numbers(p.mean?.()), numbers(p.mode?.())]).toEqual([
      [0.5, -1, 2, 0.25],
      [0.5, -1, 2, 0.25],
    ]);
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(laplace({ location: 0, scale: 2 }).logProb(x)))(tf.tensor1d([-30, 1, 30]));
    expect(numbers(gradient)).toEqual([0.5, -0.5, -0.5]);
  });

  it('draws by the quantile function, reparameterised, and holds still where frozen', () => {
    const [location, logScale] = [tf.tensor1d([1, -2, 0]), tf.tensor1d([0, 1, -1])];
    const draw =
      (frozen = false) =>
      (l: tf.Tensor, s: tf.Tensor) =>
        laplace({ location: l, logScale: s }).sample({ rng: createRng(4), frozen });
    const u = createRng(4).uniform([3]).dataSync();
    const x = draw()(location, logScale).dataSync();
    const [inLocation, inScale] = tf.grads((l, s) => tf.sum(draw()(l, s)))([location, logScale]) as [tf.Tensor, tf.Tensor];
    expect(numbers(inLocation)).toEqual([1, 1, 1]);
    [0, 1, 2].forEach((i) => {
      const at = u[i] as number;
      const z = at < 0.5 ? Math.log(2 * at) : -Math.log(2 * (1 - at));
      const scale = Math.exp([0, 1, -1][i] as number);
      expect(x[i]).toBeCloseTo(([1, -2, 0][i] as number) + scale * z, 5);
      expect(inScale.dataSync()[i]).toBeCloseTo(scale * z, 5);
    });
    expect(() => tf.grad((l: tf.Tensor) => tf.sum(draw(true)(l, logScale)))(location)).toThrow('Cannot compute gradient');
  });

  it('has the KL divergence of the formula, also where it is small', () => {
    const [m, s, m2, s2] = [
      [0, -0.75, 0.5, 2],
      [-0.5, -0.75, 0.25, 1],
      [0.125, -1, 0.5, -1],
      [-0.25, -1.75, 0.75, 1.5],
    ] as [number[], number[], number[], number[]];
    const of = (location: number[], logScale: number[]) =>
      laplace({ location: tf.tensor1d(location), logScale: tf.tensor1d(logScale), eventRank: 0 });
    const [p, q] = [of(m, s), of(m2, s2)];
    numbers(klDivergence(p, q)).forEach((value, i) => {
      const [b, b2] = [Math.exp(s[i] as number), Math.exp(s2[i] as number)];
      const distance = Math.abs((m[i] as number) - (m2[i] as number));
      const expected = Math.log(b2 / b) + (b * Math.exp(-distance / b) + distance) / b2 - 1;
      expect(value / expected).toBeCloseTo(1, 5);
    });
    expect(numbers(klDivergence(p, p))).toEqual([0, 0, 0, 0]);
    const event = klDivergence(
      laplace({ location: tf.tensor1d(m), logScale: tf.tensor1d(s) }),
      laplace({ location: tf.tensor1d(m2), logScale: tf.tensor1d(s2) }),
    );
    expect(event.arraySync()).toBeCloseTo(tf.sum(klDivergence(p, q)).arraySync() as number, 5);
    // To second order r^2 / 2 and d^2 / 2.
    const near = (distance: number, d: number): number =>
      klDivergence(laplace({ location: distance, logScale: d }), laplace({ location: 0, logScale: 0 })).arraySync() as number;
    expect(near(1e-3, 0) / (0.5e-6 * (1 - 1e-3 / 3))).toBeCloseTo(1, 3);
    expect(near(0, 1e-3) / (0.5e-6 * (1 + 1e-3 / 3))).toBeCloseTo(1, 3);
    expect(() => klDivergence(laplace({ location: 0, scale: 1 }), logistic({ location: 0, scale: 1 }))).toThrow(
      "KL('laplace' || 'logistic')",
    );
    const frozen = (l: tf.Tensor) =>
      klDivergence(laplace({ location: l, scale: 1 }), laplace({ location: 0, scale: 1 }), { frozen: true });
    expect(() => tf.grad(frozen)(tf.scalar(2))).toThrow('Cannot compute gradient');
  });

  it('batches, owns parameters where trainable, and leaks nothing', async () => {
    const batched = laplace({ location: tf.zeros([1, 3]), scale: tf.tensor2d([[1], [2]]) });
    expect([batched.eventShape, batched.batchShape?.()]).toEqual([[3], [2]]);
    expect([batched.sample({ shape: [4] }).shape, batched.logProb(tf.ones([5, 1, 3])).shape]).toEqual([
      [4, 2, 3],
      [5, 2],
    ]);
    const before = tf.memory().numTensors;
    const p = laplace({ eventShape: [2], trainable: true });
    expect(Object.keys(p.parameters)).toEqual(['location', 'logScale']);
    await expectNoLeak(() => [p.sample({ shape: [3] }), p.mean?.(), p.mode?.(), p.entropy?.(), klDivergence(p, p)]);
    p.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('names what is wrong', () => {
    expect(() => laplace({ scale: 1 })).toThrow('laplace: options.location should be a float32 tensor');
    expect(() => laplace({ location: 0 })).toThrow('laplace: options.logScale should be a float32 tensor');
    expect(() => laplace({ location: 0, scale: 0 })).toThrow('laplace: options.scale should be a finite number above 0');
    expect(() => laplace({ mean: 0, scale: 1 } as object)).toThrow("laplace: unknown option 'mean'");
    expect(() => laplace({ location: 0, scale: 1, df: 1 } as object)).toThrow("laplace: unknown option 'df'");
    expect(() => laplace({ location: 0, scale: 1 }).logProb([1] as unknown as tf.Tensor)).toThrow(
      'laplace.logProb: value should be',
    );
  });
});
