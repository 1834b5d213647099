import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { mendGradients } from './mendGradients.js';

beforeAll(() => {
  mendGradients();
  // A second time it does nothing.
  mendGradients();
});

const points = [-2.3, -0.7, -0.2, 0.4, 1.1, 2.6];

/** Functions with their derivatives up to the third. */
const functions: Record<string, [f: (x: tf.Tensor) => tf.Tensor, ...derivatives: ((x: number) => number)[]]> = {
  exp: [tf.exp, Math.exp, Math.exp, Math.exp],
  tanh: [
    tf.tanh,
    (x) => 1 - Math.tanh(x) ** 2,
    (x) => -2 * Math.tanh(x) * (1 - Math.tanh(x) ** 2),
    (x) => (1 - Math.tanh(x) ** 2) * (6 * Math.tanh(x) ** 2 - 2),
  ],
  sigmoid: [
    tf.sigmoid,
    (x) => sigmoid(x) * sigmoid(-x),
    (x) => sigmoid(x) * sigmoid(-x) * (1 - 2 * sigmoid(x)),
    (x) => sigmoid(x) * sigmoid(-x) * (1 - 6 * sigmoid(x) * sigmoid(-x)),
  ],
  elu: [tf.elu, ...Array<(x: number) => number>(3).fill((x) => (x > 0 ? 0 : Math.exp(x)))],
  leakyRelu: [(x) => tf.leakyRelu(x, 0.3), (x) => (x > 0 ? 1 : 0.3), () => 0],
  minimum: [
    (x) => tf.minimum(tf.square(x), tf.add(x, 1)),
    (x) => (x * x < x + 1 ? 2 * x : 1),
    (x) => (x * x < x + 1 ? 2 : 0),
    () => 0,
  ],
  maximum: [
    (x) => tf.maximum(tf.square(x), tf.add(x, 1)),
    (x) => (x * x > x + 1 ? 2 * x : 1),
    (x) => (x * x > x + 1 ? 2 : 0),
    () => 0,
  ],
  max: [
    (x) => tf.max(tf.stack([tf.square(x), tf.add(x, 1)]), 0),
    (x) => (x * x > x + 1 ? 2 * x : 1),
    (x) => (x * x > x + 1 ? 2 : 0),
    () => 0,
  ],
  clipByValue: [
    (x) => tf.clipByValue(tf.square(x), 0.1, 2),
    ...[(x: number) => 2 * x, () => 2, () => 0].map((of) => (x: number) => (x * x > 0.1 && x * x < 2 ? of(x) : 0)),
  ],
  where: [
    (x) => tf.where(tf.greaterEqual(x, 0.1), tf.square(x), tf.mul(x, tf.square(x))),
    (x) => (x >= 0.1 ? 2 * x : 3 * x * x),
    (x) => (x >= 0.1 ? 2 : 6 * x),
    (x) => (x >= 0.1 ? 0 : 6),
  ],
};
functions.elu![1] = (x) => (x > 0 ? 1 : Math.exp(x));

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

describe.each(Object.entries(functions))('%s', (_, [f, ...derivatives]) => {
  test.each(derivatives.map((_, i) => i + 1))('derivative %d', (order) => {
    let g = f;
    for (let k = 0; k < order; k++) {
      const before = g;
      // With a weight that is not 1, and the next derivative of the result alone.
      g = (x) => tf.div(tf.grad((at) => tf.sum(tf.mul(before(at), 2)))(x), 2);
    }
    const got = Array.from(g(tf.tensor1d(points)).dataSync());
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(derivatives[order - 1]!(points[i]!), 5);
    });
  });

  test('a derivative through its derivative and itself', () => {
    // (f f')' = f'^2 + f f''
    const slope = tf.grad((x) => tf.sum(tf.mul(f(x), tf.grad((at) => tf.sum(f(at)))(x))));
    const x = tf.tensor1d(points);
    const values = Array.from(f(x).dataSync());
    Array.from(slope(x).dataSync()).forEach((value, i) => {
      const at = points[i]!;
      const expected = derivatives[0]!(at) ** 2 + values[i]! * derivatives[1]!(at);
      expect(Math.abs(value - expected)).toBeLessThan(5e-6 * Math.max(0.1, Math.abs(expected)));
    });
  });
});

describe('softmax', () => {
  const f = (x: tf.Tensor): tf.Tensor => tf.softmax(x, 1);
  const weights = tf.tensor2d([0.3, -1.2, 0.8, 0.5, 0.9, -0.4], [2, 3]);
  const cubes = (x: tf.Tensor): tf.Scalar => tf.sum(tf.mul(tf.pow(f(x), tf.scalar(3)), weights));
  const slope = (x: tf.Tensor): tf.Tensor => tf.grad(cubes)(x);

  test('second derivatives are those of differences', () => {
    const x = tf.tensor2d([0.2, -0.5, 1.1, 0.4, 0.9, -0.3], [2, 3]);
    const directional = (at: tf.Tensor): tf.Scalar => tf.sum(tf.mul(slope(at), weights));
    const got = Array.from(tf.grad(directional)(x).dataSync());
    const values = Array.from(x.dataSync());
    const step = 1e-2;
    got.forEach((value, i) => {
      const [up, down] = [step, -step].map((by) => {
        const moved = tf.tensor2d(
          values.map((each, k) => (k === i ? each + by : each)),
          [2, 3],
        );
        return directional(moved).dataSync()[0]!;
      });
      expect(value).toBeCloseTo((up! - down!) / (2 * step), 2);
    });
  });
});

test('first gradients stay those of TensorFlow.js, and nothing is left behind', () => {
  const x = tf.tensor1d(points);
  const before = tf.memory().numTensors;
  const all = Object.values(functions).map(([f]) => tf.grad((at) => tf.sum(f(at)))(x));
  all.forEach((gradient, k) => {
    const [, first] = Object.values(functions)[k]!;
    Array.from(gradient.dataSync()).forEach((value, i) => expect(value).toBeCloseTo(first!(points[i]!), 5));
  });
  tf.dispose(all);
  expect(tf.memory().numTensors).toBe(before);
});

test('first gradients have what TensorFlow.js saves, and gradients to be differentiated the input', () => {
  const saved: (readonly string[] | readonly boolean[] | undefined)[] = [];
  const look = (x: tf.Tensor): tf.Tensor => {
    const { inputsToSave, outputsToSave } = tf.getGradient('Exp');
    saved.push(inputsToSave, outputsToSave);
    return tf.sum(tf.square(x));
  };
  const x = tf.tensor1d(points);
  tf.dispose(tf.grad(look)(x));
  expect(saved).toEqual([undefined, [true]]);
  tf.dispose(tf.grad((at) => tf.grad(look)(at))(x));
  expect(saved.slice(2)).toEqual([['x', 'x'], []]);
});

test('what is mended stays as it is, and a gradient that is not there is not made', () => {
  const names = ['Exp', 'Softmax', 'Less', 'LogicalNot'];
  const before = names.map((name) => tf.getGradient(name));
  const elu = tf.getGradient('Elu');
  tf.unregisterGradient('Elu');
  mendGradients();
  names.forEach((name, i) => expect(tf.getGradient(name)).toBe(before[i]));
  expect(tf.getGradient('Elu')).toBeUndefined();
  tf.registerGradient(elu);
});
