// Gradients of gradients, as flows by scores and penalties of slopes need them, against differences of first gradients.
import * as tf from '@tensorflow/tfjs';
import type { Bijector } from 'tfjs-flows';
import {
  affineCoupling,
  affineTransformer,
  chain,
  createRng,
  iaf,
  logisticMixtureCoupling,
  maf,
  mlp,
  planar,
  splineCoupling,
  sylvester,
} from 'tfjs-flows';
import { beforeAll, describe, expect, test } from 'vitest';
import { mendGradients } from '../../src/backends/mendGradients.js';

// As `useBackend` does.
beforeAll(mendGradients);

const rng = createRng(3);
const parts: Record<string, (x: tf.Tensor) => tf.Tensor> = {};
for (const activation of ['relu', 'leakyRelu', 'elu', 'softplus', 'swish', 'tanh', 'sigmoid'] as const) {
  const network = mlp({ inputDim: 3, outputDim: 2, hidden: [5], activation, rng });
  parts[`a network with ${activation}`] = (x) => tf.square(network.apply(x));
}
for (const options of [{ scale: 'gate' }, { scale: 'sigmoid', minimum: 0.1 }, { scale: 'softplus', maximum: 0.9 }] as const) {
  const transformer = affineTransformer(options);
  for (const method of ['forwardAndLogDerivative', 'inverseAndLogDerivative'] as const) {
    const map = (x: tf.Tensor): tf.Tensor[] => transformer[method](x, tf.stack([tf.square(x), tf.mul(x, 1.5)], -1));
    parts[`${JSON.stringify(options)}, ${method}: values`] = (x) => map(x)[0]!;
    parts[`${JSON.stringify(options)}, ${method}: log-derivative`] = (x) => map(x)[1]!;
  }
}
const bijectors: Record<string, Bijector> = {
  'a planar flow': planar({ dim: 3, rng }),
  'planar flows': chain([planar({ dim: 3, rng }), planar({ dim: 3, rng })]),
  'a Sylvester flow': sylvester({ dim: 3, bottleneck: 2, rng }),
  'an affine coupling': affineCoupling({ dim: 3, hidden: [5], activation: 'tanh', rng }),
  'a coupling of mixtures': logisticMixtureCoupling({ dim: 3, components: 3, hidden: [5], activation: 'tanh', rng }),
  'a spline coupling': splineCoupling({ dim: 3, bins: 4, hidden: [5], activation: 'tanh', rng }),
  'a masked autoregressive flow': maf({ dim: 3, hidden: [6], activation: 'tanh', rng }),
  'an inverse autoregressive flow': iaf({ dim: 3, hidden: [6], activation: 'tanh', rng }),
};
for (const [name, bijector] of Object.entries(bijectors)) {
  for (const variable of Object.values(bijector.parameters)) {
    variable.assign(tf.add(variable, tf.mul(rng.normal(variable.shape), 0.3)));
  }
  const method = name === 'a masked autoregressive flow' ? 'inverseAndLogDet' : 'forwardAndLogDet';
  parts[`${name}: values`] = (x) => bijector[method](x)[0];
  parts[`${name}: log-det`] = (x) => bijector[method](x)[1];
}

const points = [0.31, -0.83, 0.52, -0.12, 0.94, 0.27];
const weights = [0.7, -1.1, 0.4, 0.9, 0.5, -0.8];

describe.each(Object.entries(parts))('%s', (_, f) => {
  test('the gradient of a gradient is that of differences', async () => {
    const weighted = (value: tf.Tensor): tf.Scalar => tf.sum(tf.mul(value, tf.tensor(weights.slice(0, value.size), value.shape)));
    const directional = (x: tf.Tensor): tf.Scalar => weighted(tf.grad((at) => weighted(f(at)))(x));
    const at = (values: readonly number[]): tf.Tensor => tf.tensor2d([...values], [2, 3]);
    const got = Array.from(await tf.grad(directional)(at(points)).data());
    const step = 1e-2;
    const expected = await Promise.all(
      points.map(async (_, i) => {
        const ends = [step, -step].map((by) => directional(at(points.map((value, k) => (k === i ? value + by : value)))).data());
        const [up, down] = await Promise.all(ends);
        return (up![0]! - down![0]!) / (2 * step);
      }),
    );
    const largest = Math.max(0.1, ...expected.map(Math.abs));
    got.forEach((value, i) => {
      expect(Math.abs(value - expected[i]!) / largest).toBeLessThan(0.01);
    });
  });
});
