import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { affine } from '../../test/setup/affineFlow.js';
import { planar } from '../bijectors/planar.js';
import { mlp } from '../conditioners/mlp.js';
import type { Conditioner } from '../core/conditioner.js';
import { defineModule, parameter } from '../core/module.js';
import { createRng } from '../core/rng.js';
import { diagNormal } from '../distributions/diagNormal.js';
import { flow } from '../distributions/flow.js';
import { standardNormal } from '../distributions/standardNormal.js';
import { betaElbo } from './betaElbo.js';
import { elbo } from './elbo.js';
import { iwae } from './iwae.js';
import type { Vae } from './vae.js';
import { vae } from './vae.js';

/** x -> x A, with a parameter A. */
function matrix(values: number[][]): Conditioner {
  const kernel = parameter(() => tf.tensor2d(values));
  return {
    ...defineModule({ parameters: { kernel } }),
    inputDim: values.length,
    outputDim: (values[0] as number[]).length,
    contextDim: 0,
    apply: (x, options) =>
      tf.tidy(() => {
        const a = options?.frozen === true ? tf.tensor2d(values) : kernel;
        return tf.reshape(tf.matMul(tf.reshape(x, [-1, values.length]) as tf.Tensor2D, a as tf.Tensor2D), [
          ...x.shape.slice(0, -1),
          (values[0] as number[]).length,
        ]);
      }),
  };
}

const numbers = (t: tf.Tensor): number[] => Array.from(t.dataSync());

describe('vae', () => {
  // x in 2 dimensions, z in 1: mean = x0, raw log-scale = x1.
  const tiny = (): Vae =>
    vae({
      encoder: matrix([
        [1, 0],
        [0, 1],
      ]),
      decoder: matrix([[2, -1]]),
    });

  it('takes mean and log-scale from the encoder, the latter softly bounded', () => {
    const q = tiny().posterior(
      tf.tensor2d([
        [0.5, -0.25],
        [-1, 1000],
      ]),
    );
    const family = q.family?.parameters() as { mean: tf.Tensor; logScale: tf.Tensor };
    expect(numbers(family.mean)).toEqual([0.5, -1]);
    const bound = Math.log(1000);
    expect(numbers(family.logScale)[0]).toBeCloseTo(-0.25 / (1 + 0.25 / bound), 6);
    expect(numbers(family.logScale)[1]).toBeCloseTo(1000 / (1 + 1000 / bound), 5);
    expect(numbers(q.mean?.() as tf.Tensor)).toEqual([0.5, -1]);
  });

  it('has a Bernoulli likelihood by default, with the decoder output as logits', () => {
    const x = tf.tensor2d([[1, 0]]);
    const logProb = tiny()
      .likelihood(tf.tensor2d([[0.3]]))
      .logProb(x);
    const softplus = (t: number): number => Math.log1p(Math.exp(t));
    expect(logProb.shape).toEqual([1]);
    expect(logProb.dataSync()[0]).toBeCloseTo(-softplus(-0.6) - softplus(-0.3), 6);
  });

  it('gives the flow its context, from the encoder outputs behind mean and log-scale', () => {
    // z = z0 e^c1 + c0 with z0 ~ N(x0, e^x1 softly), [c0, c1] = [x0 / 2, x1 / 2].
    const model = vae({
      encoder: matrix([
        [1, 0, 0.5, 0],
        [0, 1, 0, 0.5],
      ]),
      decoder: matrix([[1, 1]]),
      posteriorFlow: affine(1),
    });
    const x = tf.tensor2d([
      [0.4, 0.2],
      [-0.6, -0.8],
    ]);
    const [z, logQ] = model.posterior(x).sampleAndLogProb({ shape: [3], rng: createRng(5) });
    expect(z.shape).toEqual([3, 2, 1]);
    expect(logQ.shape).toEqual([3, 2]);
    const noise = createRng(5).normal([3, 2, 1]).dataSync();
    for (let s = 0; s < 3; s++) {
      for (const [b, [x0, x1]] of (
        [
          [0.4, 0.2],
          [-0.6, -0.8],
        ] as const
      ).entries()) {
        const eps = noise[2 * s + b] as number;
        const logScale = x1 / (1 + Math.abs(x1) / Math.log(1000));
        const z0 = x0 + Math.exp(logScale) * eps;
        expect(z.dataSync()[2 * s + b]).toBeCloseTo(z0 * Math.exp(x1 / 2) + x0 / 2, 5);
        const expected = -0.5 * eps * eps - logScale - 0.5 * Math.log(2 * Math.PI) - x1 / 2;
        expect(logQ.dataSync()[2 * s + b]).toBeCloseTo(expected, 5);
      }
    }
    expect(numbers(model.posterior(x).logProb(z))).toSatisfy((values: number[]) =>
      values.every((value, i) => Math.abs(value - (logQ.dataSync()[i] as number)) < 1e-4),
    );
  });

  it('hands on a context of one output, behind those of two latents', () => {
    const contexts: number[][] = [];
    const planes = planar({ dim: 2, contextDim: 1, rng: createRng(0) });
    const model = vae({
      encoder: matrix(tf.eye(5).arraySync()),
      decoder: matrix([[1], [1]]),
      posteriorFlow: {
        ...planes,
        inverseAndLogDet: (y, call) => {
          contexts.push(numbers(call?.context as tf.Tensor));
          return planes.inverseAndLogDet(y, call);
        },
      },
    });
    model.posterior(tf.tensor2d([[1, 2, 3, 4, 5]])).logProb(tf.zeros([1, 2]));
    expect(contexts).toEqual([[5]]);
  });

  it('hands on no context where the encoder has none, and every direction of the flow in a frozen call', () => {
    const contexts: unknown[] = [];
    const plane = planar({ dim: 2, rng: createRng(0) });
    const model = vae({
      encoder: matrix(tf.eye(4).arraySync()),
      decoder: matrix([[1], [1]]),
      posteriorFlow: {
        ...plane,
        inverseAndLogDet: (y, call) => {
          contexts.push(call?.context);
          return plane.inverseAndLogDet(y, call);
        },
      },
    });
    const x = tf.tensor2d([[1, 2, 0.3, -0.4]]);
    const z = tf.tensor2d([[0.4, -1]]);
    const [plain, frozen] = [{}, { frozen: true }].map((call) => {
      const q = model.posterior(x, call);
      return [q.sample({ rng: createRng(1) }), ...q.sampleAndLogProb({ rng: createRng(2) }), q.logProb(z)].flatMap(numbers);
    });
    expect(frozen).toEqual(plain);
    expect(contexts).toEqual([undefined, undefined]);
  });

  const full = (seed = 0): Vae => {
    const rng = createRng(seed);
    return vae({
      encoder: mlp({ inputDim: 6, hidden: [5], outputDim: 7, rng }),
      decoder: mlp({ inputDim: 2, hidden: [5], outputDim: 6, rng }),
      posteriorFlow: planar({ dim: 2, contextDim: 3, rng }),
      prior: flow({ base: standardNormal({ eventShape: [2] }), bijector: planar({ dim: 2, rng }) }),
    });
  };

  it('trains encoder, decoder, flow posterior and flow prior: every parameter against finite differences', () => {
    const model = full();
    const x = createRng(1).uniform([4, 6]);
    const objectives = [elbo({ model, samples: 2 }), betaElbo({ model, beta: 0.5 }), iwae({ model, samples: 3 })];
    for (const objective of objectives) {
      const value = (): tf.Scalar => tf.sum(objective(x, { rng: createRng(9) })) as tf.Scalar;
      const { grads } = tf.variableGrads(value, Object.values(model.parameters));
      expect(Object.keys(grads)).toHaveLength(Object.keys(model.parameters).length);
      for (const [name, variable] of Object.entries(model.parameters)) {
        const gradient = grads[variable.name] as tf.Tensor;
        // Along the gradient itself, the derivative is its norm.
        const norm = tf.norm(gradient).dataSync()[0] as number;
        const direction = tf.div(gradient, norm);
        const h = 1e-2;
        const start = tf.clone(variable);
        variable.assign(tf.add(start, tf.mul(direction, h)) as never);
        const above = value().dataSync()[0] as number;
        variable.assign(tf.sub(start, tf.mul(direction, h)) as never);
        const below = value().dataSync()[0] as number;
        variable.assign(start as never);
        expect(norm, name).toBeGreaterThan(1e-5);
        expect(Math.abs((above - below) / (2 * h) - norm) / (0.1 + norm), name).toBeLessThan(0.02);
      }
    }
  });

  it('lists its parameters by part, each once, and frees them', () => {
    const before = tf.memory().numTensors;
    const model = full();
    expect(Object.keys(model.parameters)).toEqual([
      'encoder.hidden0.kernel',
      'encoder.hidden0.bias',
      'encoder.output.kernel',
      'encoder.output.bias',
      'decoder.hidden0.kernel',
      'decoder.hidden0.bias',
      'decoder.output.kernel',
      'decoder.output.bias',
      'prior.bijector.w',
      'prior.bijector.u',
      'prior.bijector.b',
      'posteriorFlow.kernel',
      'posteriorFlow.bias',
    ]);
    model.dispose();
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('lists once what prior and posterior share', () => {
    const shared = planar({ dim: 1 });
    const prior = flow({ base: standardNormal({ eventShape: [1] }), bijector: shared });
    const model = vae({ encoder: matrix([[1, 0]]), decoder: matrix([[1]]), prior, posteriorFlow: shared });
    expect(Object.keys(model.parameters)).toEqual([
      'encoder.kernel',
      'decoder.kernel',
      'prior.bijector.w',
      'prior.bijector.u',
      'prior.bijector.b',
    ]);
  });

  it('in a frozen call has constant parameters, and gradients in x still', () => {
    const model = full();
    const x = createRng(1).uniform([4, 6]);
    for (const options of [{ kl: 'auto' }, { kl: 'monteCarlo' }] as const) {
      const objective = elbo({ model, ...options });
      const value = (input: tf.Tensor, frozen: boolean): tf.Tensor => tf.sum(objective(input, { rng: createRng(3), frozen }));
      expect(numbers(value(x, true))).toEqual(numbers(value(x, false)));
      const variables = Object.values(model.parameters);
      const touched = (frozen: boolean): number =>
        variables.filter((variable) => {
          // Together with x, so that the loss depends on something.
          const { grads } = tf.variableGrads(
            () => tf.add(value(x, frozen), tf.mul(tf.sum(variable), 0)) as tf.Scalar,
            [variable],
          );
          return numbers(grads[variable.name] as tf.Tensor).some((gradient) => gradient !== 0);
        }).length;
      expect(touched(false)).toBe(variables.length);
      expect(touched(true)).toBe(0);
      const [live, frozen] = [false, true].map((flag) => numbers(tf.grad((input) => value(input, flag))(x))) as [
        number[],
        number[],
      ];
      frozen.forEach((gradient, i) => {
        expect(gradient).toBeCloseTo(live[i] as number, 5);
      });
    }
  });

  it('passes a learned Gaussian prior constant in a frozen call', () => {
    const prior = diagNormal({ eventShape: [1], trainable: true });
    const model = vae({ encoder: matrix([[1, 0]]), decoder: matrix([[1]]), prior });
    const mean = prior.parameters.mean as tf.Variable;
    const gradient = (frozen: boolean): number => {
      const { grads } = tf.variableGrads(
        () => tf.add(tf.sum(elbo({ model })(tf.tensor2d([[0.5]]), { frozen })), tf.mul(tf.sum(mean), 0)) as tf.Scalar,
        [mean],
      );
      return (grads[mean.name] as tf.Tensor).dataSync()[0] as number;
    };
    expect(gradient(false)).toBeCloseTo(0.5, 5);
    expect(gradient(true)).toBe(0);
  });

  it('takes another posterior and another likelihood', () => {
    const model = vae({
      encoder: matrix([[1, 2, 3]]),
      decoder: matrix([[1, 1]]),
      posterior: (parameters) => diagNormal({ mean: tf.sum(parameters, -1, true), scale: 0.5 }),
      likelihood: (parameters) => diagNormal({ mean: tf.mul(parameters, 3), scale: 2 }),
    });
    expect(numbers(model.posterior(tf.tensor2d([[2]])).mean?.() as tf.Tensor)).toEqual([12]);
    expect(numbers(model.likelihood(tf.tensor2d([[2]])).mean?.() as tf.Tensor)).toEqual([6, 6]);
  });

  it('passes a context to encoder and decoder', () => {
    const rng = createRng(0);
    const model = vae({
      encoder: mlp({ inputDim: 3, contextDim: 2, hidden: [4], outputDim: 2, rng }),
      decoder: mlp({ inputDim: 1, contextDim: 2, hidden: [4], outputDim: 3, rng }),
    });
    const x = tf.zeros([5, 3]);
    const objective = elbo({ model, samples: 2 });
    const at = (context: tf.Tensor): number[] => numbers(objective(x, { context, rng: createRng(1) }));
    expect(at(tf.zeros([5, 2]))).toHaveLength(5);
    expect(at(tf.zeros([5, 2]))).not.toEqual(at(tf.ones([5, 2])));
    expect(() => objective(x)).toThrow('context');
    const context = tf.tensor2d([
      [60, 0],
      [-60, 0],
    ]);
    model.parameters['decoder.hidden0.context']!.assign(tf.fill([2, 4], 1));
    model.parameters['decoder.output.kernel']!.assign(tf.fill([4, 3], 1));
    model.parameters['decoder.output.bias']!.assign(tf.fill([3], -90));
    // The decoder's logits are about 4 * 60 - 90 and -90: each draw belongs to its example of the context.
    const ones = tf.ones([4, 1, 3]);
    expect(model.sample({ shape: [4], context, rng }).arraySync()).toEqual(tf.concat([ones, tf.zerosLike(ones)], 1).arraySync());
    expect(model.sample({ context, rng }).shape).toEqual([2, 3]);
    expect(model.sample({ shape: [4], context: tf.ones([2]), rng }).shape).toEqual([4, 3]);
  });

  it('a prior of more batch axes than the context has brings its own', () => {
    const rng = createRng(0);
    const model = vae({
      encoder: mlp({ inputDim: 3, hidden: [4], outputDim: 2, rng }),
      decoder: mlp({ inputDim: 1, contextDim: 2, hidden: [4], outputDim: 3, rng }),
      prior: diagNormal({ mean: tf.zeros([2, 1, 1, 5, 1]), scale: 1 }),
    });
    expect(model.sample({ shape: [4], context: tf.zeros([1, 1, 5, 2]), rng }).shape).toEqual([4, 2, 1, 1, 5, 3]);
    expect(model.sample({ context: tf.zeros([3, 2, 1, 1, 5, 2]), rng }).shape).toEqual([3, 2, 1, 1, 5, 3]);
  });

  it('draws x from the prior through the decoder', () => {
    const model = vae({
      encoder: matrix([
        [0, 0],
        [0, 0],
      ]),
      decoder: matrix([[40, -40]]),
    });
    const x = model.sample({ shape: [200], rng: createRng(2) });
    expect(x.shape).toEqual([200, 2]);
    const z = createRng(2).normal([200, 1]).dataSync();
    // Logits this large decide: where z is not near 0, x is (1, 0) for z > 0 and (0, 1) for z < 0.
    const rows = x.arraySync() as number[][];
    rows.forEach(([first, second], i) => {
      if (Math.abs(z[i] as number) > 0.5) {
        expect([first, second]).toEqual((z[i] as number) > 0 ? [1, 0] : [0, 1]);
      }
    });
    expect(model.sample().shape).toEqual([2]);
  });

  it('takes any batch axes', () => {
    const model = full();
    for (const batch of [[], [1], [5], [2, 3]]) {
      for (const objective of [elbo({ model }), iwae({ model, samples: 4 })]) {
        expect(objective(tf.ones([...batch, 6])).shape).toEqual(batch);
      }
    }
  });

  it('leaks nothing: objectives, draws, and distributions that are disposed', () => {
    const model = full();
    const plain = tiny();
    const x = tf.ones([3, 6]);
    const pair = tf.ones([3, 2]);
    const before = tf.memory().numTensors;
    for (const objective of [elbo({ model }), betaElbo({ model, beta: 2 }), iwae({ model, samples: 2 })]) {
      objective(x).dispose();
      tf.dispose(objective.terms(x));
      tf.dispose(objective(x, { frozen: true }));
    }
    elbo({ model: plain })(pair).dispose();
    model.sample({ shape: [2] }).dispose();
    for (const distribution of [model.posterior(x), plain.posterior(pair), model.likelihood(pair)]) {
      distribution.sample().dispose();
      distribution.dispose();
      distribution.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
    expect(Object.values(model.parameters).every((variable) => !variable.isDisposed)).toBe(true);
  });

  it('refuses what does not fit, by name', () => {
    const encoder = matrix([[1, 2, 3, 4]]);
    const decoder = matrix([[1], [1]]);
    expect(() => vae({ encoder: {} as never, decoder })).toThrow('vae: options.encoder should be a conditioner');
    expect(() => vae({ encoder, decoder: 3 as never })).toThrow('vae: options.decoder should be a conditioner, but got 3.');
    expect(() => vae({ encoder, decoder, flow: planar({ dim: 2 }) } as never)).toThrow("vae: unknown option 'flow'");
    expect(() => vae({ encoder: matrix([[1, 2, 3]]), decoder })).toThrow(
      'vae: options.encoder.outputDim should be 4: a mean and a log-scale for each of 2 latents, but got 3.',
    );
    expect(() => vae({ encoder: matrix([[1, 2, 3]]), decoder, posteriorFlow: planar({ dim: 2 }) })).toThrow(
      'should be at least 4',
    );
    expect(() => vae({ encoder, decoder, posteriorFlow: {} as never })).toThrow('options.posteriorFlow should be a bijector');
    expect(() => vae({ encoder, decoder, prior: {} as never })).toThrow('options.prior should be a distribution');
    expect(() => vae({ encoder, decoder, prior: standardNormal({ eventShape: [3] }) })).toThrow(
      'vae: options.prior.eventShape should be [2], as the decoder takes it, but got [3].',
    );
    expect(() => vae({ encoder, decoder, prior: standardNormal({ eventShape: [2, 1] }) })).toThrow('options.prior.eventShape');
    const { apply } = encoder;
    for (const network of [undefined, { ...encoder, apply: 1 }, { apply, inputDim: 1 }, { apply, outputDim: 4 }]) {
      const wrong = { encoder: network as never, decoder };
      expect(() => vae(wrong)).toThrow('vae: options.encoder should be a conditioner');
    }
    expect(() => vae({ encoder, decoder, likelihood: 1 as never })).toThrow('options.likelihood should be a function');
    expect(() => vae({ encoder, decoder, posterior: 1 as never })).toThrow('options.posterior should be a function');
    expect(() =>
      vae({ encoder, decoder, posterior: () => standardNormal({ eventShape: [2] }), posteriorFlow: planar({ dim: 2 }) }),
    ).toThrow('options.posteriorFlow should be left out where a posterior is given');
    expect(() => full().posterior(tf.zeros([2, 5]))).toThrow('should be a float32 tensor of shape [...batch, 6]');
  });
});
