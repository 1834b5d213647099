import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { affine } from '../../test/setup/affineFlow.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import { klDivergence } from '../distributions/klDivergence.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { reverseKl } from './reverseKl.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

// p~ = 5 times a normal density.
const target = diagNormal({ mean: tf.tensor1d([1, -2]), scale: tf.tensor1d([0.5, 2]) });
const logDensity = (x: tf.Tensor): tf.Tensor => tf.add(target.logProb(x), Math.log(5));
const q = () =>
  diagNormal({
    mean: tf.tensor2d([
      [0.5, -1],
      [2, 0],
    ]),
    scale: tf.tensor2d([
      [1, 0.7],
      [0.4, 3],
    ]),
  });

describe('reverseKl', () => {
  it('is KL(q || p) - log Z within Monte Carlo error, for every distribution of the batch', () => {
    const exact = numbers(klDivergence(q(), target)).map((kl) => kl - Math.log(5));
    for (const given of [{ logDensity }, { energy: (x: tf.Tensor) => tf.neg(logDensity(x)) }]) {
      const value = reverseKl({ distribution: q(), samples: 20_000, ...given })({ rng: createRng(0) });
      expect(value.shape).toEqual([2]);
      numbers(value).forEach((found, i) => {
        expect(Math.abs(found - exact[i]!)).toBeLessThan(0.05);
      });
    }
  });

  it('tells what it is made of', () => {
    const distribution = q();
    const {
      value,
      negativeEntropy,
      logDensity: average,
    } = reverseKl({ distribution, logDensity, samples: 3 }).terms({ rng: createRng(4) });
    const [x, logQ] = distribution.sampleAndLogProb({ shape: [3], rng: createRng(4) });
    expect(numbers(negativeEntropy)).toEqual(numbers(tf.mean(logQ, 0)));
    expect(numbers(average)).toEqual(numbers(tf.mean(logDensity(x), 0)));
    expect(numbers(value)).toEqual(numbers(tf.sub(negativeEntropy, average)));
    const one = reverseKl({ distribution, logDensity })({ rng: createRng(4) });
    expect(numbers(one)).toEqual(numbers(reverseKl({ distribution, logDensity, samples: 1 })({ rng: createRng(4) })));
  });

  it('has no gradient at the optimum where it sticks the landing or takes the path', () => {
    for (const gradient of ['stickingTheLanding', 'path', 'reparameterised'] as const) {
      const of = (mean: tf.Tensor): tf.Tensor =>
        tf.sum(
          reverseKl({ distribution: diagNormal({ mean, scale: tf.tensor1d([0.5, 2]) }), logDensity, gradient })({
            rng: createRng(1),
          }),
        );
      const largest = Math.max(...numbers(tf.grad(of)(tf.tensor1d([1, -2]))).map(Math.abs));
      const scaled = (scale: tf.Tensor): tf.Tensor =>
        tf.sum(
          reverseKl({ distribution: diagNormal({ mean: tf.tensor1d([1, -2]), scale }), logDensity, gradient })({
            rng: createRng(1),
          }),
        );
      const slopes = numbers(tf.grad(scaled)(tf.tensor1d([0.5, 2]))).map(Math.abs);
      if (gradient === 'reparameterised') {
        expect(Math.max(...slopes)).toBeGreaterThan(0.1);
        expect(largest).toBeGreaterThan(0.1);
      } else {
        expect(Math.max(...slopes, largest)).toBeLessThan(1e-5);
      }
    }
  });

  it('passes a context on, whose batch is that of the result', () => {
    const distribution = flow({ base: standardNormal({ eventShape: [1] }), bijector: affine(1) });
    const context = tf.tensor2d([
      [1, 0.5],
      [-2, -1],
      [0, 0],
    ]);
    const unit = standardNormal({ eventShape: [1] });
    for (const gradient of ['reparameterised', 'stickingTheLanding', 'path'] as const) {
      const objective = reverseKl({ distribution, logDensity: (x) => unit.logProb(x), samples: 3000, gradient });
      const value = objective({ context, rng: createRng(2) });
      [
        [1, 0.5],
        [-2, -1],
        [0, 0],
      ].forEach(([m, s], i) => {
        const exact = 0.5 * (m! ** 2 + Math.exp(2 * s!) - 1) - s!;
        expect(Math.abs(value.dataSync()[i]! - exact)).toBeLessThan(0.15 * (1 + exact));
      });
    }
  });

  it('holds q constant in a frozen call', () => {
    const distribution = diagNormal({ eventShape: [2], trainable: true });
    const { mean } = distribution.parameters as { mean: tf.Variable };
    const f = (): tf.Scalar => tf.add(tf.sum(reverseKl({ distribution, logDensity })({ frozen: true })), tf.mul(tf.sum(mean), 0));
    expect(numbers(tf.variableGrads(f, [mean]).grads[mean.name] as tf.Tensor)).toEqual([0, 0]);
  });

  it('refuses what is wrong, by name, and leaves only its result', () => {
    const distribution = standardNormal({ eventShape: [2] });
    const at =
      (options: object): (() => unknown) =>
      () =>
        reverseKl({ distribution, logDensity, ...options } as never);
    expect(at({ distribution: 1 })).toThrow('reverseKl: options.distribution should be a distribution, but got 1.');
    expect(at({ samples: 0 })).toThrow('reverseKl: options.samples');
    expect(at({ logDensity: undefined })).toThrow('reverseKl: give either options.logDensity or options.energy, not neither.');
    expect(at({ energy: logDensity })).toThrow('reverseKl: give either options.logDensity or options.energy, not both.');
    expect(at({ logDensity: 1 })).toThrow('reverseKl: options.logDensity should be a function of x, but got 1.');
    expect(at({ logDensity: undefined, energy: 1 })).toThrow('reverseKl: options.energy should be a function of x, but got 1.');
    expect(at({ gradient: 'doublyReparameterised' })).toThrow('reverseKl: options.gradient should be one of');
    expect(at({ density: 1 })).toThrow("reverseKl: unknown option 'density'");
    expect(() => reverseKl({ distribution, energy: (x) => x })()).toThrow(
      'reverseKl: what options.energy returns should be a tensor of shape [1], but got a float32 tensor of shape [1, 2].',
    );
    expect(() => reverseKl({ distribution, logDensity: () => 3 as never, samples: 4 })()).toThrow(
      'should be a tensor of shape [4], but got 3.',
    );
    expect(() => reverseKl({ distribution, logDensity })({ shape: [2] } as never)).toThrow("reverseKl: unknown option 'shape'");
    const before = tf.memory().numTensors;
    for (const gradient of ['reparameterised', 'stickingTheLanding', 'path'] as const) {
      const objective = reverseKl({ distribution, logDensity, gradient });
      objective().dispose();
      tf.dispose(objective.terms());
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});
