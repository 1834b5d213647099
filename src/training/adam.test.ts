import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import type { AdamOptions } from './adam.js';
import { adam } from './adam.js';

/** Algorithm 1 of the paper, in float64, with decoupled weight decay. */
function byHand(
  theta: number[],
  gradient: (theta: number[]) => number[],
  steps: number,
  options: Required<AdamOptions>,
): number[] {
  const { learningRate, beta1, beta2, epsilon, weightDecay } = options;
  const m = theta.map(() => 0);
  const v = theta.map(() => 0);
  let now = [...theta];
  for (let t = 1; t <= steps; t++) {
    const g = gradient(now);
    now = now.map((value, i) => {
      m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
      v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2;
      const mHat = m[i]! / (1 - beta1 ** t);
      const vHat = v[i]! / (1 - beta2 ** t);
      return value * (1 - learningRate * weightDecay) - (learningRate * mHat) / (Math.sqrt(vHat) + epsilon);
    });
  }
  return now;
}

const curvature = [1, -0.5, 30];
const target = [2, 0, -1];
const loss = (x: tf.Tensor) => (): tf.Tensor => tf.sum(tf.mul(tf.mul(curvature, 0.5), tf.square(tf.sub(x, target))));
const gradient = (x: number[]): number[] => x.map((value, i) => curvature[i]! * (value - target[i]!));

describe('adam', () => {
  it.each<AdamOptions>([
    {},
    { learningRate: 0.1 },
    { learningRate: 0.1, beta1: 0, beta2: 0.5, epsilon: 0.3 },
    { learningRate: 0.05, beta1: 0.8, beta2: 0.99, weightDecay: 0.4 },
  ])('follows the paper with %j', (options) => {
    const start = [1, 0.3, -4];
    const x = tf.variable(tf.tensor1d(start));
    const optimizer = adam(options);
    for (let step = 0; step < 60; step++) {
      optimizer.minimize(loss(x), false, [x]);
    }
    const filled = { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, ...options };
    const expected = byHand(start, gradient, 60, filled);
    for (const [i, value] of x.dataSync().entries()) {
      expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-5 * Math.max(1, Math.abs(expected[i]!)));
    }
    expect(optimizer.iterations).toBe(60);
    optimizer.dispose();
    x.dispose();
  });

  it('takes a rate that changes between steps', () => {
    const x = tf.variable(tf.scalar(0));
    const optimizer = adam({ learningRate: 0.5, epsilon: 1e-20 });
    const named = [{ name: x.name, tensor: tf.scalar(3) }];
    optimizer.applyGradients(named);
    optimizer.learningRate = 0.25;
    optimizer.applyGradients(named);
    // With a constant gradient each step is one rate long.
    expect(x.dataSync()[0]).toBeCloseTo(-0.75, 6);
    tf.dispose([x, named[0]!.tensor]);
    optimizer.dispose();
  });

  it('leaves no tensor beside two moments a parameter, and none once disposed', () => {
    const x = tf.variable(tf.zeros([3]));
    const before = tf.memory().numTensors;
    const optimizer = adam();
    for (let step = 0; step < 3; step++) {
      optimizer.minimize(loss(x), true, [x])!.dispose();
      expect(tf.memory().numTensors).toBe(before + 2);
    }
    optimizer.dispose();
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });

  it('moves its state exactly', async () => {
    const start = tf.tensor1d([1, 0.3, -4]);
    const run = async (swapAfter?: number): Promise<number[]> => {
      const x = tf.variable(start);
      let optimizer = adam({ learningRate: 0.1 });
      for (let step = 0; step < 20; step++) {
        if (step === swapAfter) {
          const next = adam({ learningRate: 0.1 });
          const weights = await optimizer.getWeights();
          await next.setWeights(weights);
          weights[0]!.tensor.dispose();
          optimizer.dispose();
          optimizer = next;
        }
        optimizer.minimize(loss(x), false, [x]);
      }
      const values = [...x.dataSync()];
      optimizer.dispose();
      x.dispose();
      return values;
    };
    const before = tf.memory().numTensors;
    expect(await run(7)).toEqual(await run());
    expect(tf.memory().numTensors).toBe(before);
    start.dispose();
  });

  it('keeps moments by name, whatever the order and however many come', () => {
    const [a, b] = [tf.variable(tf.scalar(0)), tf.variable(tf.scalar(0))];
    const optimizer = adam({ learningRate: 1, beta1: 0.5, beta2: 0.5 });
    const [one, ten] = [tf.scalar(1), tf.scalar(10)];
    optimizer.applyGradients([
      { name: a.name, tensor: one },
      { name: b.name, tensor: ten },
    ]);
    optimizer.applyGradients([{ name: b.name, tensor: ten }]);
    optimizer.applyGradients({ [b.name]: ten, [a.name]: one });
    expect(b.dataSync()[0]).toBeCloseTo(-3, 5);
    tf.dispose([a, b, one, ten]);
    optimizer.dispose();
  });

  it('compiles a layers model', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [1], kernelInitializer: 'zeros' })] });
    const optimizer = adam({ learningRate: 0.1 });
    model.compile({ optimizer: optimizer as unknown as tf.Optimizer, loss: 'meanSquaredError' });
    const [x, y] = [tf.tensor2d([[0], [1]]), tf.tensor2d([[1], [3]])];
    await model.fit(x, y, { epochs: 200, verbose: 0 });
    const fitted = model.predict(x) as tf.Tensor;
    const [first, second] = fitted.dataSync();
    expect(first).toBeCloseTo(1, 1);
    expect(second).toBeCloseTo(3, 1);
    tf.dispose([x, y, fitted]);
    model.dispose();
    optimizer.dispose();
  });

  it('refuses wrong options', () => {
    expect(() => adam({ learningRate: -1 })).toThrow(/options.learningRate should be a finite number at least 0/);
    expect(() => adam({ beta1: 1 })).toThrow(/options.beta1 should be a finite number at least 0 and below 1/);
    expect(() => adam({ beta2: -0.1 })).toThrow(/options.beta2/);
    expect(() => adam({ epsilon: 0 })).toThrow(/options.epsilon should be a finite number above 0/);
    expect(() => adam({ rate: 1 } as never)).toThrow(/unknown option 'rate'/);
    expect(() => adam().applyGradients([{ name: 'nobody', tensor: null as never }])).toThrow(
      /a name should be that of a variable/,
    );
  });
});
