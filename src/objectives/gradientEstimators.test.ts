import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { goldenCase, goldenError, goldenTensor } from '../../test/setup/goldenCase.js';
import { chain } from '../bijectors/chain.js';
import { iaf } from '../bijectors/iaf.js';
import { planar } from '../bijectors/planar.js';
import { scaleShift } from '../bijectors/scaleShift.js';
import { mlp } from '../conditioners/mlp.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { bernoulli } from '../distributions/bernoulli.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import { logistic } from '../distributions/logistic.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { studentT } from '../distributions/studentT.js';
import { randomizeParameters } from '../testing/randomizeParameters.js';
import { betaElbo } from './betaElbo.js';
import { elbo } from './elbo.js';
import { drawFrom, normalisedWeights, scaleGradient, withGradientOf } from './gradientEstimators.js';
import type { IwaeGradientEstimator } from './iwae.js';
import { iwae } from './iwae.js';
import type { LatentVariableModel } from './latentVariableModel.js';
import { vae } from './vae.js';

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

/** z ~ N(0, I), x ~ N(z, I) in two dimensions, q(z | x) = N(mean, scale^2) of given tensors. */
const gaussian = (mean: tf.Tensor, logScale: tf.Tensor): LatentVariableModel => ({
  prior: standardNormal({ eventShape: [2] }),
  posterior: () => diagNormal({ mean, logScale }),
  likelihood: (z) => diagNormal({ mean: z, scale: tf.onesLike(z) }),
});

const ROWS = 8000;
const spread = (row: number[]): tf.Tensor => tf.tile(tf.tensor2d([row]), [ROWS, 1]);
const x = spread([0.8, -1.4]);

/** Mean and standard error of the gradients in mean and log-scale, each row of a batch a draw of its own: [mean0, mean1, log0, log1]. */
function gradientsOf(
  make: (model: LatentVariableModel) => (x: tf.Tensor, call: { rng: Rng }) => tf.Tensor,
  mean: number[],
  logScale: number[],
): { mean: number[]; error: number[] } {
  return tf.tidy(() => {
    const total = (m: tf.Tensor, l: tf.Tensor): tf.Tensor => tf.sum(make(gaussian(m, l))(x, { rng: createRng(7) }));
    const rows = tf.concat(tf.grads(total)([spread(mean), spread(logScale)]), 1);
    const { mean: average, variance } = tf.moments(rows, 0);
    return { mean: numbers(average), error: numbers(tf.sqrt(tf.div(variance, ROWS))) };
  });
}

describe('gradients of the ELBO', () => {
  const [mean, logScale] = [
    [0.1, -0.3],
    [-0.7, 0.2],
  ];
  // E log p(x, z) - E log q has derivatives x - 2 m in the mean and 1 - 2 s^2 in the log-scale.
  const exact = [0.8 - 0.2, -1.4 + 0.6, 1 - 2 * Math.exp(-1.4), 1 - 2 * Math.exp(0.4)];

  it.each(['reparameterised', 'stickingTheLanding', 'path'] as const)('%s is unbiased', (gradient) => {
    const found = gradientsOf((model) => elbo({ model, gradient, kl: 'monteCarlo' }), mean, logScale);
    found.mean.forEach((value, i) => {
      expect(Math.abs(value - exact[i]!)).toBeLessThan(4.5 * found.error[i]! + 1e-5);
      expect(found.error[i]).toBeLessThan(0.06);
    });
  });

  it.each(['stickingTheLanding', 'path'] as const)('%s has no variance where q is exact, and reparameterised has', (gradient) => {
    const at = [
      [0.4, -0.7],
      [-0.5 * Math.LN2, -0.5 * Math.LN2],
    ] as [number[], number[]];
    const found = gradientsOf((model) => elbo({ model, gradient }), ...at);
    found.mean.forEach((value, i) => {
      expect(Math.abs(value)).toBeLessThan(1e-6);
      expect(found.error[i]! * Math.sqrt(ROWS)).toBeLessThan(2e-5);
    });
    const plain = gradientsOf((model) => elbo({ model, kl: 'monteCarlo' }), ...at);
    expect(Math.min(...plain.error) * Math.sqrt(ROWS)).toBeGreaterThan(0.5);
  });

  it('of a beta-ELBO are unbiased too', () => {
    const found = gradientsOf((model) => betaElbo({ model, beta: 3, gradient: 'stickingTheLanding' }), mean, logScale);
    // E log p(x | z) has x - m and -s^2; the KL m and s^2 - 1.
    const beta = [0.7 - 0.3, -1.1 + 0.9, 3 - 4 * Math.exp(-1.4), 3 - 4 * Math.exp(0.4)];
    found.mean.forEach((value, i) => {
      expect(Math.abs(value - beta[i]!)).toBeLessThan(4.5 * found.error[i]! + 1e-5);
    });
  });
});

describe('gradients of the importance-weighted bound', () => {
  const at = [
    [0.1, -0.3],
    [-0.2, 0.2],
  ] as [number[], number[]];
  const estimate = (gradient: IwaeGradientEstimator, samples = 5) =>
    gradientsOf((model) => iwae({ model, samples, gradient }), ...at);

  it('doubly reparameterised and path are unbiased, with less variance; sticking the landing is biased', () => {
    const plain = estimate('reparameterised');
    for (const gradient of ['doublyReparameterised', 'path'] as const) {
      const found = estimate(gradient);
      found.mean.forEach((value, i) => {
        expect(Math.abs(value - plain.mean[i]!)).toBeLessThan(4 * Math.hypot(found.error[i]!, plain.error[i]!));
        expect(found.error[i]).toBeLessThan(0.7 * plain.error[i]!);
      });
    }
    const biased = estimate('stickingTheLanding');
    const misses = biased.mean.map((value, i) => Math.abs(value - plain.mean[i]!) / plain.error[i]!);
    expect(Math.max(...misses)).toBeGreaterThan(10);
  });

  it('with one draw all but the reparameterised one are the path', () => {
    const [stl, double, path] = (['stickingTheLanding', 'doublyReparameterised', 'path'] as const).map((name) =>
      estimate(name, 1),
    );
    stl!.mean.forEach((value, i) => {
      expect(double!.mean[i]).toBeCloseTo(value, 5);
      expect(path!.mean[i]).toBeCloseTo(value, 5);
    });
  });

  it('values and terms do not depend on the estimator', () => {
    const model = gaussian(tf.tensor2d([[0.1, -0.3]]), tf.tensor2d([[-0.2, 0.2]]));
    const point = tf.tensor2d([[0.8, -1.4]]);
    const [plain, ...others] = (['reparameterised', 'stickingTheLanding', 'doublyReparameterised', 'path'] as const).map(
      (gradient) => Object.values(iwae({ model, samples: 6, gradient }).terms(point, { rng: createRng(1) })).flatMap(numbers),
    );
    for (const terms of others) {
      terms.forEach((value, i) => {
        expect(value).toBeCloseTo(plain![i]!, 5);
      });
    }
    const logWeights = iwae({ model, samples: 6 }).logWeights(point, { rng: createRng(1) });
    expect(logWeights.shape).toEqual([6, 1]);
    expect(tf.mean(logWeights).dataSync()[0]).toBeCloseTo(plain![1]!, 5);
    expect(() => iwae({ model }).logWeights(point, { seed: 1 } as never)).toThrow("iwae.logWeights: unknown option 'seed'");
  });

  it('decoder and prior have the gradient of the formula, whatever the estimator', () => {
    const gradientsIn = (gradient: IwaeGradientEstimator): number[] => {
      const of = (weight: tf.Tensor, location: tf.Tensor): tf.Tensor => {
        const model: LatentVariableModel = {
          prior: diagNormal({ mean: location, scale: 1, eventShape: [2] }),
          posterior: () => diagNormal({ mean: tf.tensor2d([[0.1, -0.3]]), logScale: 0.2 }),
          likelihood: (z) => diagNormal({ mean: tf.mul(z, weight), scale: tf.onesLike(z) }),
        };
        return tf.sum(iwae({ model, samples: 6, gradient })(tf.tensor2d([[0.8, -1.4]]), { rng: createRng(1) }));
      };
      return tf
        .grads(of)([tf.tensor1d([1.3, 0.7]), tf.tensor1d([0.4, 0.2])])
        .flatMap(numbers);
    };
    const plain = gradientsIn('reparameterised');
    for (const gradient of ['stickingTheLanding', 'doublyReparameterised', 'path'] as const) {
      gradientsIn(gradient).forEach((value, i) => {
        expect(value).toBeCloseTo(plain[i]!, 5);
      });
    }
    expect(Math.min(...plain.map(Math.abs))).toBeGreaterThan(0.01);
  });

  it('networks that draw see the same noise in both passes of the doubly reparameterised estimator', () => {
    const seen: number[] = [];
    const model: LatentVariableModel = {
      ...gaussian(tf.tensor2d([[0.1, -0.3]]), tf.tensor2d([[-0.2, 0.2]])),
      likelihood: (z, call) => {
        seen.push(call?.rng?.bits(1)[0] as number);
        return diagNormal({ mean: z, scale: tf.onesLike(z) });
      },
    };
    iwae({ model, samples: 2, gradient: 'doublyReparameterised' })(tf.tensor2d([[1, 2]]), { rng: createRng(0) });
    expect(seen).toHaveLength(2);
    expect(Number.isInteger(seen[0])).toBe(true);
    expect(seen[0]).toBe(seen[1]);
  });

  it('survives weights of zero', () => {
    const model: LatentVariableModel = {
      ...gaussian(tf.zeros([1, 2]), tf.zeros([1, 2])),
      likelihood: (z) => ({
        ...diagNormal({ mean: z, scale: tf.onesLike(z) }),
        logProb: () => tf.fill(z.shape.slice(0, -1), Number.NEGATIVE_INFINITY),
      }),
    };
    const bound = iwae({ model, samples: 3, gradient: 'doublyReparameterised' });
    expect(numbers(bound(tf.zeros([1, 2])))).toEqual([Number.NEGATIVE_INFINITY]);
    expect(numbers(normalisedWeights(tf.fill([2, 1], Number.NEGATIVE_INFINITY)))).toEqual([0, 0]);
    expect(numbers(normalisedWeights(tf.tensor2d([[0], [Math.log(3)], [-200]]))).map((w) => w.toFixed(4))).toEqual([
      '0.2500',
      '0.7500',
      '0.0000',
    ]);
  });
});

describe('gradients of the cases', () => {
  const { inputs, expected } = goldenCase('elbo', 'gradient_estimators');
  const [w1, b1, w2, b2] = ['W1', 'b1', 'W2', 'b2'].map((name) => goldenTensor(inputs[name])) as [
    tf.Tensor2D,
    tf.Tensor,
    tf.Tensor2D,
    tf.Tensor,
  ];
  const decode = (z: tf.Tensor): tf.Tensor => {
    const hidden = tf.tanh(tf.add(tf.matMul(tf.reshape(z, [-1, 4]) as tf.Tensor2D, w1, false, true), b1)) as tf.Tensor2D;
    return tf.reshape(tf.add(tf.matMul(hidden, w2, false, true), b2), [...z.shape.slice(0, -1), 8]);
  };
  const replay = (): Rng => ({ ...createRng(0), normal: (shape) => tf.reshape(goldenTensor(inputs.eps), [...shape]) });

  it.each([
    ['stl', (model: LatentVariableModel) => elbo({ model, samples: 5, gradient: 'stickingTheLanding' })],
    ['stl', (model: LatentVariableModel) => elbo({ model, samples: 5, gradient: 'path' })],
    ['iwae_stl', (model: LatentVariableModel) => iwae({ model, samples: 5, gradient: 'stickingTheLanding' })],
    ['dreg', (model: LatentVariableModel) => iwae({ model, samples: 5, gradient: 'doublyReparameterised' })],
    ['dreg', (model: LatentVariableModel) => iwae({ model, samples: 5, gradient: 'path' })],
  ] as const)('%s', (name, objective) => {
    const total = (mean: tf.Tensor, logvar: tf.Tensor): tf.Tensor => {
      const model: LatentVariableModel = {
        prior: standardNormal({ eventShape: [4] }),
        posterior: () => diagNormal({ mean, logScale: tf.mul(logvar, 0.5) }),
        likelihood: (z) => bernoulli({ logits: decode(z) }),
      };
      return tf.sum(objective(model)(goldenTensor(inputs.x), { rng: replay() }));
    };
    const [mu, logvar] = tf.grads(total)([goldenTensor(inputs.mu), goldenTensor(inputs.logvar)]) as [tf.Tensor, tf.Tensor];
    expect(goldenError(mu, expected[`grad_mu_${name}`])).toBeLessThan(5e-5);
    expect(goldenError(logvar, expected[`grad_logvar_${name}`])).toBeLessThan(5e-5);
  });
});

describe('the path of a flow', () => {
  const flows = {
    'inverse autoregressive': (rng: Rng) =>
      chain([iaf({ dim: 3, contextDim: 2, hidden: [4], rng }), scaleShift({ scale: 0.7, shift: 0.2 })]),
    planar: (rng: Rng) => chain([planar({ dim: 3, contextDim: 2, rng }), planar({ dim: 3, rng })]),
  };

  it.each(Object.entries(flows))('of %s steps is that of the inverse, draw by draw', (_, make) => {
    const rng = createRng(11);
    const model = vae({
      encoder: mlp({ inputDim: 5, hidden: [4], outputDim: 8, rng }),
      decoder: mlp({ inputDim: 3, hidden: [4], outputDim: 5, rng }),
      posteriorFlow: make(rng),
    });
    randomizeParameters(model, { rng, scale: 0.5 });
    const data = rng.uniform([2, 2, 5]);
    const gradients = (gradient: 'stickingTheLanding' | 'path' | 'reparameterised'): number[][] => {
      const loss = (): tf.Scalar => tf.sum(elbo({ model, samples: 2, gradient })(data, { rng: createRng(3) })) as tf.Scalar;
      const { grads } = tf.variableGrads(loss, Object.values(model.parameters));
      return Object.values(model.parameters).map(({ name }) => numbers(grads[name] as tf.Tensor));
    };
    const [stl, path, plain] = [gradients('stickingTheLanding'), gradients('path'), gradients('reparameterised')];
    const size = Math.max(...stl.flat().map(Math.abs));
    stl.flat().forEach((value, i) => {
      expect(Math.abs(path.flat()[i]! - value)).toBeLessThan(2e-4 * size);
    });
    expect(Math.max(...stl.flat().map((value, i) => Math.abs(plain.flat()[i]! - value)))).toBeGreaterThan(0.05 * size);
  });

  it('holds a context constant, as every other parameter of q', () => {
    const rng = createRng(2);
    const q = flow({ base: standardNormal({ eventShape: [2] }), bijector: iaf({ dim: 2, contextDim: 3, hidden: [4], rng }) });
    randomizeParameters(q, { rng, scale: 0.6 });
    const context = rng.normal([4, 3]);
    const slope = (gradient: 'stickingTheLanding' | 'path'): number[] =>
      numbers(
        tf.grad((c: tf.Tensor) => {
          const { z, density } = drawFrom('here', q, { shape: [3], context: c, rng: createRng(1) }, { gradient });
          return tf.sum(density(z));
        })(context),
      );
    const [stl, path] = [slope('stickingTheLanding'), slope('path')];
    stl.forEach((value, i) => {
      expect(path[i]).toBeCloseTo(value, 4);
    });
    expect(Math.max(...stl.map(Math.abs))).toBeGreaterThan(0.1);
  });

  it('is found for other noise, and for events of two axes', () => {
    const location = tf.tensor2d([
      [0.3, -1],
      [2, 0.5],
    ]);
    const slope = (gradient: 'stickingTheLanding' | 'path'): number[] =>
      numbers(
        tf.grad((scale: tf.Tensor) => {
          const q = logistic({ location, scale, eventRank: 2 });
          const { z, density } = drawFrom('here', q, { shape: [3], rng: createRng(1) }, { gradient });
          return tf.sum(tf.mul(density(z), [1, 2, 3]));
        })(
          tf.tensor2d([
            [0.5, 1],
            [2, 0.7],
          ]),
        ),
      );
    const [stl, path] = [slope('stickingTheLanding'), slope('path')];
    stl.forEach((value, i) => {
      expect(path[i]).toBeCloseTo(value, 4);
    });
  });

  it('takes fewer steps of the solver where that is asked for', () => {
    const passes = (pathIterations?: number): number => {
      let count = 0;
      const q = diagNormal({ mean: tf.tensor1d([0, 1, 2]), scale: tf.tensor1d([1, 2, 3]) });
      const counted = {
        ...q,
        sample: (call: object) => {
          count += 1;
          return q.sample(call);
        },
      };
      drawFrom(
        'here',
        counted,
        { shape: [], rng: createRng(0) },
        { gradient: 'path', ...(pathIterations ? { pathIterations } : {}) },
      );
      return count;
    };
    expect([passes(), passes(1), passes(2)]).toEqual([3, 1, 2]);
  });

  it('refuses draws that are not made of as much noise', () => {
    const q = standardNormal({ eventShape: [2] });
    const wasteful = {
      ...q,
      sampleAndLogProb: ({ rng = createRng(), ...call } = {}) => {
        rng.normal([1]).dispose();
        return q.sampleAndLogProb({ ...call, rng });
      },
    };
    const before = tf.memory().numTensors;
    expect(() => drawFrom('here', wasteful, { shape: [3], rng: createRng(0) }, { gradient: 'path' })).toThrow(
      "here: options.gradient should be 'reparameterised' or 'stickingTheLanding' for a distribution that does not draw one noise " +
        "variable an element, but got 'path'.",
    );
    expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 2);
    // Two noises, each of the size of the draw.
    const heavy = studentT({ df: 3, location: tf.zeros([2]), scale: 1 });
    expect(() => drawFrom('here', heavy, { shape: [3], rng: createRng(0) }, { gradient: 'path' })).toThrow('options.gradient');
    const narrow = {
      ...q,
      sampleAndLogProb: ({ rng = createRng() } = {}): [tf.Tensor, tf.Tensor] => [tf.zeros([3, 2]), rng.normal([3])],
    };
    expect(() => drawFrom('here', narrow, { shape: [3], rng: createRng(0) }, { gradient: 'path' })).toThrow('options.gradient');
  });
});

describe('pieces', () => {
  it('withGradientOf has the value of one and the gradient of the other', () => {
    const f = (t: tf.Tensor): tf.Tensor =>
      tf.sum(tf.mul(withGradientOf(tf.tensor1d([5, Number.NEGATIVE_INFINITY]), tf.square(t)), [2, 1]));
    expect(numbers(withGradientOf(tf.tensor1d([5, 7]), tf.tensor1d([1, 2])))).toEqual([5, 7]);
    expect(numbers(tf.grad(f)(tf.tensor1d([3, 4])))).toEqual([12, 8]);
  });

  it('scaleGradient scales gradients by rows, with no or several event axes', () => {
    const weights = tf.tensor2d([[1, 2, 3]]);
    const flat = tf.grad((t: tf.Tensor) => tf.sum(tf.square(scaleGradient(t, weights))))(tf.tensor2d([[1, 1, 2]]));
    expect(numbers(flat)).toEqual([2, 4, 12]);
    const deep = tf.grad((t: tf.Tensor) => tf.sum(scaleGradient(t, weights)))(tf.ones([1, 3, 2, 1]));
    expect(numbers(deep)).toEqual([1, 1, 2, 2, 3, 3]);
  });
});

describe('options', () => {
  const model = gaussian(tf.zeros([1, 2]), tf.zeros([1, 2]));

  it('are refused by name', () => {
    expect(() => elbo({ model, gradient: 'doublyReparameterised' as never })).toThrow(
      "elbo: options.gradient should be one of 'reparameterised', 'stickingTheLanding', 'path', but got 'doublyReparameterised'.",
    );
    expect(() => iwae({ model, gradient: 'dreg' as never })).toThrow(
      "iwae: options.gradient should be one of 'reparameterised', 'stickingTheLanding', 'doublyReparameterised', 'path'",
    );
    expect(() => elbo({ model, kl: 'analytic', gradient: 'path' })).toThrow(
      "elbo: options.gradient should be 'reparameterised' where kl is 'analytic', but got 'path'.",
    );
    expect(() => betaElbo({ model, beta: 1, gradient: 'stickingTheLanding', pathIterations: 3 })).toThrow(
      "betaElbo: options.pathIterations should be left out unless gradient is 'path', but got 3.",
    );
    expect(() => iwae({ model, gradient: 'path', pathIterations: 0 })).toThrow(
      'iwae: options.pathIterations should be a positive',
    );
    expect(() => elbo({ model, kl: 'analytic', gradient: 'reparameterised' })).not.toThrow();
  });

  it('leave no tensor behind', () => {
    const point = tf.zeros([1, 2]);
    const before = tf.memory().numTensors;
    for (const gradient of ['stickingTheLanding', 'path'] as const) {
      elbo({ model, gradient })(point).dispose();
      iwae({ model, gradient, samples: 2 })(point).dispose();
    }
    iwae({ model, gradient: 'doublyReparameterised', samples: 2 })(point).dispose();
    iwae({ model, samples: 2 }).logWeights(point).dispose();
    // What the model itself made of z.
    expect(tf.memory().numTensors).toBe(before);
  });
});
