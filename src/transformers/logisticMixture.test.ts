import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { createRng } from '../core/rng.js';
import { LOGISTIC_MIXTURE } from '../kernels/logisticMixture/logisticMixture.js';
import { registerKernels } from '../kernels/register.js';
import type { LogisticMixture } from './logisticMixture.js';
import { logisticMixtureLogit, logisticMixtureLogitInverse, logisticMixtureMap } from './logisticMixture.js';

const known: LogisticMixture = {
  logits: tf.tensor1d([0.1, 0.2, 4]),
  means: tf.tensor1d([-1, 0, 1]),
  logScales: tf.tensor1d([-5, 0, 0.2]),
};

describe('logisticMixtureLogit', () => {
  test('gives the known numbers, in the middle and where F rounds to 1', () => {
    const [y, logDerivative] = logisticMixtureLogit(tf.tensor1d([0, 30]), known);
    const [a, b] = y.dataSync();
    const [c, d] = logDerivative.dataSync();
    expect([a, b, c, d].map((v) => v!.toFixed(5))).toEqual(['-0.73697', '23.78488', '-0.24036', '-0.19999']);
  });

  test('equals the published formula, in float64, where that still works', () => {
    const weights = [0.1, 0.2, 4].map(Math.exp);
    const total = weights.reduce((a, b) => a + b);
    for (const x of [-6, -1.01, -1, -0.3, 0.7, 5]) {
      let [F, f] = [0, 0];
      [-1, 0, 1].forEach((mean, k) => {
        const scale = Math.exp([-5, 0, 0.2][k]!);
        const p = 1 / (1 + Math.exp(-(x - mean) / scale));
        F += (weights[k]! / total) * p;
        f += (weights[k]! / total) * ((p * (1 - p)) / scale);
      });
      const [y, logDerivative] = logisticMixtureLogit(tf.tensor1d([x]), known);
      expect(y.dataSync()[0]).toBeCloseTo(Math.log(F / (1 - F)), 4);
      expect(logDerivative.dataSync()[0]).toBeCloseTo(Math.log(f / (F * (1 - F))), 4);
    }
  });

  test('takes elements along any axes, their mixtures along the last', () => {
    const rng = createRng(11);
    const mixture = { logits: rng.normal([3, 4]), means: rng.normal([3, 4]), logScales: rng.normal([3, 4]) };
    const x = rng.normal([2, 3]);
    const [y, logDerivative] = logisticMixtureLogit(x, mixture);
    const [back, slope] = logisticMixtureLogitInverse(y, mixture);
    for (let i = 0; i < 2; i++) {
      for (let d = 0; d < 3; d++) {
        const one = (all: tf.Tensor): tf.Tensor => tf.reshape(tf.slice(all, [i, d], [1, 1]), [1]);
        const row = (all: tf.Tensor): tf.Tensor => tf.reshape(tf.slice(all, [d, 0], [1, 4]), [4]);
        const own = { logits: row(mixture.logits), means: row(mixture.means), logScales: row(mixture.logScales) };
        const [expected, derivative] = logisticMixtureLogit(one(x), own);
        for (const [found, right] of [
          [y, expected],
          [logDerivative, derivative],
          [back, one(x)],
          [slope, derivative],
        ] as const) {
          expect(one(found).dataSync()[0]).toBeCloseTo(right.dataSync()[0]!, 3);
        }
      }
    }
  });

  test('keeps the log-derivative of a component at the floor of the scales, far in both tails', () => {
    const narrow = { logits: tf.zeros([1]), means: tf.zeros([1]), logScales: tf.fill([1], -7) };
    const [y, logDerivative] = logisticMixtureLogit(tf.tensor1d([-30, 30]), narrow);
    expect(Array.from(logDerivative.dataSync())).toEqual([7, 7]);
    expect(y.dataSync()[1]! / (30 * Math.exp(7))).toBeCloseTo(1, 5);
    expect(y.dataSync()[0]).toBe(-y.dataSync()[1]!);
  });
});

/** Adverse mixtures: components from narrow to wide, overlapping and apart, and what x and y may come. */
function adverse(seed: number, kind: number, batch: number, components: number): { mixture: LogisticMixture; x: tf.Tensor } {
  const rng = createRng(seed);
  const shape = [batch, components];
  const logScales = [
    () => rng.normal(shape),
    () => rng.uniform(shape, -7, 3),
    () => tf.fill(shape, -7),
    () => tf.sub(tf.mul(tf.cast(tf.greater(rng.uniform(shape), 0.5), 'float32'), 10), 7),
  ][kind]!();
  const spread = kind === 3 ? 20 : 1;
  return {
    mixture: { logits: rng.normal(shape), means: tf.mul(rng.normal(shape), spread), logScales },
    x: rng.uniform([batch], -30, 30),
  };
}

const errorOf = (got: tf.Tensor, want: tf.Tensor): Float32Array =>
  tf.div(tf.abs(tf.sub(got, want)), tf.add(tf.abs(want), 1)).dataSync() as Float32Array;

describe('logisticMixtureLogitInverse', () => {
  test.each([1, 2, 8, 32].flatMap((components) => [0, 1, 2, 3].map((kind) => [components, kind] as const)))(
    'finds x again, or an x with the same y, for |x| to 30: %d components, kind %d',
    (components, kind) => {
      const { mixture, x } = adverse(components * 10 + kind, kind, 500, components);
      const [y] = logisticMixtureLogit(x, mixture);
      const [found] = logisticMixtureLogitInverse(y, mixture);
      const inX = errorOf(found, x);
      const inY = errorOf(logisticMixtureLogit(found, mixture)[0], y);
      const worst = inX.reduce((top, error, i) => Math.max(top, Math.min(error, inY[i]!)), 0);
      expect(worst).toBeLessThan(2e-6);
    },
  );

  test.each([0, 1, 3])('finds the x of any y, near 0 and to 60: kind %d', (kind) => {
    const { mixture } = adverse(kind + 5, kind, 500, 8);
    const rng = createRng(kind);
    for (const size of [1, 20]) {
      const y = tf.mul(rng.normal([500]), size);
      const [found] = logisticMixtureLogitInverse(y, mixture);
      const [again, logDerivative] = logisticMixtureLogit(found, mixture);
      // A slope of e^7 turns an ulp of x into 1e-4 of y.
      const allowed = tf.add(3e-6, tf.mul(tf.exp(logDerivative), tf.mul(tf.add(tf.abs(found), 1), 1e-6))).dataSync();
      errorOf(again, y).forEach((error, i) => {
        expect(error).toBeLessThan(allowed[i]!);
      });
    }
  });

  test('gives the log-derivative of the forward map, and implicit gradients', () => {
    const { mixture, x } = adverse(3, 0, 4, 3);
    const small = tf.div(x, 10);
    const [y, logDerivative] = logisticMixtureLogit(small, mixture);
    expect(Math.max(...errorOf(logisticMixtureLogitInverse(y, mixture)[1], logDerivative))).toBeLessThan(1e-5);

    const total = (target: tf.Tensor, logits: tf.Tensor, means: tf.Tensor, logScales: tf.Tensor): tf.Scalar => {
      const [found, log] = logisticMixtureLogitInverse(target, { logits, means, logScales });
      return tf.add(tf.sum(found), tf.mul(tf.sum(log), 0.5));
    };
    const at = [y, mixture.logits, mixture.means, mixture.logScales] as const;
    const gradients = tf.grads(total as (...args: tf.Tensor[]) => tf.Scalar)([...at]);
    at.forEach((value, i) => {
      const direction = createRng(i).normal(value.shape);
      const moved = (h: number): number => {
        const args = at.map((one, j) => (j === i ? tf.add(one, tf.mul(direction, h)) : one)) as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        return total(...args).dataSync()[0]!;
      };
      const numeric = (moved(0.01) - moved(-0.01)) / 0.02;
      const exact = tf.sum(tf.mul(gradients[i]!, direction)).dataSync()[0]!;
      expect(Math.abs(numeric - exact)).toBeLessThan(1e-2 * (1 + Math.abs(numeric)));
    });
  });

  test('gives some point of a gap between narrow components, and no NaN, nor in the gradient', () => {
    const gap = { logits: tf.zeros([2]), means: tf.tensor1d([-1, 1]), logScales: tf.fill([2], -7) };
    const [found] = logisticMixtureLogitInverse(tf.zeros([1]), gap);
    expect(Math.abs(found.dataSync()[0]!)).toBeLessThan(1);
    const gradient = tf.grad((y) => {
      const [x, logDerivative] = logisticMixtureLogitInverse(y, gap);
      return tf.add(tf.sum(x), tf.mul(tf.sum(logDerivative), 0));
    })(tf.zeros([1]));
    expect(Number.isNaN(gradient.dataSync()[0])).toBe(false);
  });
});

interface TensorMaker {
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): tf.TensorInfo;
}

describe('logisticMixtureMap', () => {
  test('is the logit or its inverse, of scales at least as large as the floor', () => {
    const x = tf.tensor1d([0.4, -2]);
    const low = { ...known, logScales: tf.maximum(known.logScales, -0.5) };
    const [y, logDerivative] = logisticMixtureMap(x, known, { floor: -0.5, inverse: false });
    const [expected, slope] = logisticMixtureLogit(x, low);
    expect([...y.dataSync(), ...logDerivative.dataSync()]).toEqual([...expected.dataSync(), ...slope.dataSync()]);
    const [back, negative] = logisticMixtureMap(y, known, { floor: -0.5, inverse: true });
    expect(Math.max(...errorOf(back, x))).toBeLessThan(1e-6);
    expect(Math.max(...errorOf(negative, tf.neg(slope)))).toBeLessThan(1e-6);
  });

  test.each([
    { x: [4, 3], parameters: [3], others: [3], fits: true },
    { x: [4, 3], parameters: [1, 3], others: [3], fits: true },
    { x: [4, 3], parameters: [1, 1, 3], others: [3], fits: false },
    { x: [4, 1], parameters: [1], others: [1, 1], fits: true },
    { x: [2, 4, 3], parameters: [4, 3], others: [4, 3], fits: true },
    { x: [13], parameters: [3], others: [3], fits: false },
    { x: [4, 3], parameters: [4, 1], others: [4, 1], fits: false },
    { x: [4, 3], parameters: [3], others: [4, 3], fits: false },
    { x: [3], parameters: [4, 3], others: [4, 3], fits: false },
  ])('is run by a kernel where the parameters are those of trailing axes: $x and $parameters, $others', (shapes) => {
    const [x, logits] = [tf.ones(shapes.x), tf.ones([...shapes.parameters, 2])];
    const mixture = { logits, means: tf.ones([...shapes.others, 2]), logScales: tf.ones([...shapes.others, 2]) };
    const calls: object[] = [];
    const kernel = (backend: TensorMaker, inputs: readonly tf.Tensor[], attrs: object): tf.TensorInfo[] => {
      calls.push({ inputs, attrs });
      return [5, 7].map((value) => backend.makeTensorInfo([1], 'float32', Float32Array.of(value)));
    };
    registerKernels('cpu', { [LOGISTIC_MIXTURE]: kernel }, (backend) => backend as TensorMaker);
    try {
      const run = (): tf.Tensor[] => logisticMixtureMap(x, mixture, { floor: -3, inverse: true });
      if (!shapes.fits) {
        // What does not broadcast either fails.
        try {
          run();
        } catch {}
        expect(calls).toEqual([]);
        return;
      }
      expect(run().map((result) => result.dataSync()[0])).toEqual([5, 7]);
      const { logits: l, means, logScales } = mixture;
      const attrs = { components: 2, floor: -3, inverse: true, composed: expect.any(Function) };
      expect(calls).toEqual([{ inputs: [x, l, means, logScales], attrs }]);
    } finally {
      tf.unregisterKernel(LOGISTIC_MIXTURE, 'cpu');
    }
  });
});
