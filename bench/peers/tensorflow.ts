// TensorFlow.js without a library of flows: the workloads as one writes them out of its operations.
import * as tf from '@tensorflow/tfjs';
import type { Losses, Prepared, Workload } from '../contract.js';
import { checkLosses, checkQuantiles, checkSurgery, LOSSES } from '../contract.js';
import type { Layer, Values } from '../data.js';
import { autoencoderMasks, hashNormal, mixtures, perceptronWeights, posteriors } from '../data.js';
import { binaryDigits } from '../digits.js';

type Tensor = tf.Tensor;

const LOG_TWO_PI = Math.log(2 * Math.PI);

const toTensor = ({ data, shape }: Values): Tensor => tf.tensor(data, shape, 'float32');
const toVariable = (values: Values): tf.Variable => tf.tidy(() => tf.variable(toTensor(values)));

/** -log N(z; 0, I) */
const energy = (z: Tensor): Tensor => tf.mul(tf.sum(tf.add(tf.square(z), LOG_TWO_PI), 1), 0.5);

/** The gradient of `tf.logSigmoid` fails on intermediate values in TensorFlow.js 4.22. */
const logSigmoid = (x: Tensor): Tensor => tf.neg(tf.softplus(tf.neg(x)));

/** A perceptron's variables: kernel and bias of each layer. */
type Network = { kernel: tf.Variable; bias: tf.Variable }[];

const toNetwork = (layers: readonly Layer[]): Network =>
  layers.map(({ kernel, bias }) => ({ kernel: toVariable(kernel), bias: toVariable(bias) }));

const variablesOf = (networks: readonly Network[]): tf.Variable[] =>
  networks.flatMap((network) => network.flatMap(({ kernel, bias }) => [kernel, bias]));

const perceptron = (network: Network, x: Tensor): Tensor =>
  network.reduce((h: Tensor, { kernel, bias }, i) => {
    const y = tf.add(tf.matMul(h, kernel), bias);
    return i < network.length - 1 ? tf.relu(y) : y;
  }, x);

function maskedAutoencoder(
  network: Network,
  masks: readonly Tensor[],
  x: Tensor,
  context?: { readonly value: Tensor; readonly kernel: Tensor },
): Tensor {
  return network.reduce((h: Tensor, { kernel, bias }, i) => {
    const y = tf.add(tf.matMul(h, tf.mul(kernel, masks[i] as Tensor)), bias);
    const moved = i === 0 && context !== undefined ? tf.add(y, tf.matMul(context.value, context.kernel)) : y;
    return i < network.length - 1 ? tf.relu(moved) : moved;
  }, x);
}

interface Model {
  readonly variables: tf.Variable[];
  loss(): tf.Scalar;
  firstLoss?: () => tf.Scalar;
  readonly data: Tensor[];
}

function train({ variables, loss, firstLoss = loss, data }: Model, expected: Losses): Prepared {
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const read = async (value: tf.Scalar): Promise<number> => {
    const [number] = await value.data();
    value.dispose();
    return number as number;
  };
  const step = (): Promise<number> => read(optimizer.minimize(loss, true, variables) as tf.Scalar);
  return {
    parameters: variables.reduce((total, { size }) => total + size, 0),
    check: (thorough) => checkLosses(expected, thorough, () => read(tf.tidy(firstLoss)), step),
    step,
    dispose: () => {
      optimizer.dispose();
      tf.dispose([...variables, ...data]);
    },
  };
}

function planar(dim: number, rows: number, expected: Losses): Prepared {
  const steps = Array.from({ length: 16 }, (_, k) => ({
    u: toVariable(hashNormal([1, dim], 300 + k, 0.5)),
    w: toVariable(hashNormal([dim, 1], 400 + k, 1 / Math.sqrt(dim))),
    b: tf.variable(tf.zeros([1])),
  }));
  const fixed = toTensor(hashNormal([rows, dim], 1));
  const lossOf = (z0: Tensor): tf.Scalar => {
    let z = z0;
    let logDet: Tensor = tf.zeros([rows]);
    for (const { u, w, b } of steps) {
      const wu = tf.matMul(u, w);
      const bend = tf.sub(tf.sub(tf.softplus(wu), 1), wu);
      const uHat = tf.add(u, tf.mul(bend, tf.div(tf.transpose(w), tf.sum(tf.square(w)))));
      const h = tf.tanh(tf.add(tf.matMul(z, w), b));
      const slope = tf.mul(tf.sub(1, tf.square(h)), tf.matMul(uHat, w));
      logDet = tf.add(logDet, tf.log(tf.abs(tf.add(tf.squeeze(slope, [1]), 1))));
      z = tf.add(z, tf.mul(h, uHat));
    }
    return tf.mean(tf.sub(tf.mul(tf.sum(tf.square(z), 1), 0.5), logDet));
  };
  const variables = steps.flatMap(({ u, w, b }) => [u, w, b]);
  const model = { variables, loss: () => lossOf(tf.randomNormal([rows, dim])), firstLoss: () => lossOf(fixed), data: [fixed] };
  return train(model, expected);
}

interface CouplingStack {
  readonly dim: number;
  readonly rows: number;
  readonly layers: number;
  readonly hidden: number;
  /** Outputs of a network for each transformed element. */
  readonly outputs: number;
  /** From data to base: b and what the network says to the new b and the log-derivative. */
  readonly transform: (b: Tensor, parameters: Tensor) => [Tensor, Tensor];
}

function couplings({ dim, rows, layers, hidden, outputs, transform }: CouplingStack, expected: Losses): Prepared {
  const half = dim / 2;
  const networks = Array.from({ length: layers }, (_, k) =>
    toNetwork(perceptronWeights([half, hidden, hidden, half * outputs], k)),
  );
  const x = toTensor(hashNormal([rows, dim], 1));
  const loss = (): tf.Scalar => {
    let z = x;
    let logDet: Tensor = tf.zeros([rows]);
    networks.forEach((network, k) => {
      const [first, second] = tf.split(z, 2, 1) as [Tensor, Tensor];
      const [a, b] = k % 2 === 0 ? [first, second] : [second, first];
      const [moved, logDerivative] = transform(b, perceptron(network, a));
      logDet = tf.add(logDet, tf.sum(logDerivative, 1));
      z = tf.concat(k % 2 === 0 ? [a, moved] : [moved, a], 1);
    });
    return tf.mean(tf.sub(energy(z), logDet));
  };
  return train({ variables: variablesOf(networks), loss, data: [x] }, expected);
}

function affine(b: Tensor, parameters: Tensor): [Tensor, Tensor] {
  const [raw, shift] = tf.split(parameters, 2, 1) as [Tensor, Tensor];
  const logScale = tf.tanh(raw);
  return [tf.add(tf.mul(b, tf.exp(logScale)), shift), logScale];
}

const COMPONENTS = 8;

function mixtureLogit(b: Tensor, parameters: Tensor): [Tensor, Tensor] {
  const all = tf.reshape(parameters, [...b.shape, 3 * COMPONENTS]);
  const [logits, means, logScales] = tf.split(all, 3, 2) as [Tensor, Tensor, Tensor];
  const logWeights = tf.logSoftmax(logits);
  const z = tf.mul(tf.sub(tf.expandDims(b, 2), means), tf.exp(tf.neg(logScales)));
  const [below, above] = [logSigmoid(z), logSigmoid(tf.neg(z))];
  const logF = tf.logSumExp(tf.add(logWeights, below), 2);
  const logS = tf.logSumExp(tf.add(logWeights, above), 2);
  const logDensity = tf.logSumExp(tf.sub(tf.add(logWeights, tf.add(below, above)), logScales), 2);
  return [tf.sub(logF, logS), tf.sub(logDensity, tf.add(logF, logS))];
}

const [BINS, BOUND, LEAST] = [8, 3, 1e-3];

function spline(b: Tensor, parameters: Tensor): [Tensor, Tensor] {
  const [rows, dim] = b.shape as [number, number];
  const all = tf.reshape(parameters, [rows, dim, 3 * BINS - 1]);
  const [widths, heights, slopes] = tf.split(all, [BINS, BINS, BINS - 1], 2) as [Tensor, Tensor, Tensor];
  const knots = (raw: Tensor): Tensor => {
    const shares = tf.add(tf.mul(tf.softmax(raw), 1 - LEAST * BINS), LEAST);
    const sums = tf.pad(tf.cumsum(shares, 2), [
      [0, 0],
      [0, 0],
      [1, 0],
    ]);
    return tf.sub(tf.mul(sums, 2 * BOUND), BOUND);
  };
  const [kx, ky] = [knots(widths), knots(heights)];
  const padded = tf.pad(
    slopes,
    [
      [0, 0],
      [0, 0],
      [1, 1],
    ],
    Math.log(Math.exp(1 - LEAST) - 1),
  );
  const d = tf.add(tf.softplus(padded), LEAST);
  // Masks of lessEqual or logicalAnd have no gradient.
  const inside = tf.greaterEqual(BOUND, tf.abs(b));
  const inBox = tf.clipByValue(b, -BOUND, BOUND);
  const from = (t: Tensor): Tensor => tf.slice(t, [0, 0, 0], [rows, dim, BINS]);
  const to = (t: Tensor): Tensor => tf.slice(t, [0, 0, 1], [rows, dim, BINS]);
  const reached = tf.cast(tf.greaterEqual(tf.expandDims(inBox, 2), from(kx)), 'float32');
  const bin = tf.minimum(tf.sub(tf.sum(reached, 2), 1), BINS - 1);
  const here = tf.cast(tf.oneHot(tf.cast(bin, 'int32'), BINS), 'float32');
  const at = (t: Tensor): Tensor => tf.sum(tf.mul(t, here), 2);
  const [x0, x1, y0, y1, d0, d1] = [at(from(kx)), at(to(kx)), at(from(ky)), at(to(ky)), at(from(d)), at(to(d))];
  const [width, height] = [tf.sub(x1, x0), tf.sub(y1, y0)];
  const s = tf.div(height, width);
  const t = tf.div(tf.sub(inBox, x0), width);
  const rest = tf.sub(1, t);
  const both = tf.mul(t, rest);
  const denominator = tf.add(s, tf.mul(tf.sub(tf.add(d0, d1), tf.mul(2, s)), both));
  const value = tf.add(y0, tf.div(tf.mul(height, tf.add(tf.mul(s, tf.square(t)), tf.mul(d0, both))), denominator));
  const ends = tf.add(tf.mul(d1, tf.square(t)), tf.mul(d0, tf.square(rest)));
  const numerator = tf.mul(tf.square(s), tf.add(ends, tf.mul(2, tf.mul(s, both))));
  const logSlope = tf.sub(tf.log(numerator), tf.mul(2, tf.log(denominator)));
  return [tf.where(inside, value, b), tf.where(inside, logSlope, tf.zerosLike(logSlope))];
}

function maskedAutoregressive(): Prepared {
  const [dim, rows, hidden] = [32, 128, 320];
  const masks = autoencoderMasks(dim, [hidden, hidden]).map(toTensor);
  const networks = Array.from({ length: 4 }, (_, k) => toNetwork(perceptronWeights([dim, hidden, hidden, 2 * dim], k)));
  const x = toTensor(hashNormal([rows, dim], 1));
  const loss = (): tf.Scalar => {
    let z = x;
    let logDet: Tensor = tf.zeros([rows]);
    for (const network of networks) {
      const [moved, logScale] = affine(z, maskedAutoencoder(network, masks, z));
      logDet = tf.add(logDet, tf.sum(logScale, 1));
      z = tf.reverse(moved, 1);
    }
    return tf.mean(tf.sub(energy(z), logDet));
  };
  return train({ variables: variablesOf(networks), loss, data: [x, ...masks] }, LOSSES.P5);
}

function autoencoder(): Prepared {
  const [rows, pixels, latent, context, hidden, stepHidden] = [100, 784, 40, 40, 300, 320];
  const encoder = toNetwork(perceptronWeights([pixels, hidden, hidden, 2 * latent + context], 0, 1));
  const decoder = toNetwork(perceptronWeights([latent, hidden, hidden, pixels], 1, 1));
  const masks = autoencoderMasks(latent, [stepHidden, stepHidden]).map(toTensor);
  const steps = [2, 3, 4, 5].map((k) => ({
    network: toNetwork(perceptronWeights([latent, stepHidden, stepHidden, 2 * latent], k)),
    kernel: toVariable(hashNormal([context, stepHidden], 100 + 10 * k + 9, 0.5 / Math.sqrt(context))),
  }));
  const batches = binaryDigits(20, rows).map(toTensor);
  const fixed = toTensor(hashNormal([rows, latent], 1));
  const lossOf = (x: Tensor, noise: Tensor): tf.Scalar => {
    const [mean, logVariance, h] = tf.split(perceptron(encoder, x), [latent, latent, context], 1) as [Tensor, Tensor, Tensor];
    let z = tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise));
    let logQ: Tensor = tf.mul(tf.sum(tf.add(tf.add(tf.square(noise), logVariance), LOG_TWO_PI), 1), -0.5);
    for (const { network, kernel } of steps) {
      const [raw, shift] = tf.split(maskedAutoencoder(network, masks, z, { value: h, kernel }), 2, 1) as [Tensor, Tensor];
      const s = tf.add(raw, 2);
      const gate = tf.sigmoid(s);
      z = tf.reverse(tf.add(tf.mul(gate, z), tf.mul(tf.sub(1, gate), shift)), 1);
      logQ = tf.sub(logQ, tf.sum(logSigmoid(s), 1));
    }
    const logits = perceptron(decoder, z);
    const reconstruction = tf.sum(tf.sub(tf.softplus(logits), tf.mul(x, logits)), 1);
    return tf.mean(tf.add(reconstruction, tf.add(logQ, energy(z))));
  };
  let step = 0;
  return train(
    {
      variables: [
        ...variablesOf([encoder, decoder, ...steps.map(({ network }) => network)]),
        ...steps.map(({ kernel }) => kernel),
      ],
      loss: () => lossOf(batches[step++ % batches.length] as Tensor, tf.randomNormal([rows, latent])),
      firstLoss: () => lossOf(batches[0] as Tensor, fixed),
      data: [...batches, ...masks, fixed],
    },
    LOSSES.P7,
  );
}

/** All pairs as products of [z^2, z] with coefficients of the posteriors, some rows at a time. */
function surgery(): Prepared {
  const [count, dim, rows] = [10000, 32, 500];
  const { mean, logVariance, noise, draw } = posteriors(count, dim);
  const data = [mean, logVariance, noise, draw].map(toTensor) as [Tensor, Tensor, Tensor, Tensor];
  const run = async (): Promise<[number, number]> => {
    const figures = tf.tidy(() => {
      const [mu, lv, eps, z] = data;
      const precision = tf.exp(tf.neg(lv));
      const coefficients = tf.transpose(tf.concat([tf.mul(precision, -0.5), tf.mul(mu, precision)], 1));
      const constants = tf.mul(tf.sum(tf.add(tf.add(tf.mul(tf.square(mu), precision), lv), LOG_TWO_PI), 1), -0.5);
      const blocks = Array.from({ length: count / rows }, (_, block) =>
        tf.tidy(() => {
          const some = tf.slice(z, [block * rows, 0], [rows, dim]);
          return tf.logSumExp(tf.add(tf.matMul(tf.concat([tf.square(some), some], 1), coefficients), constants), 1);
        }),
      );
      const aggregate = tf.sub(tf.concat(blocks), Math.log(count));
      const own = tf.mul(tf.sum(tf.add(tf.add(tf.square(eps), lv), LOG_TWO_PI), 1), -0.5);
      return tf.stack([tf.mean(tf.sub(own, aggregate)), tf.mean(tf.add(aggregate, energy(z)))]);
    });
    const [information, divergence] = await figures.data();
    figures.dispose();
    return [information as number, divergence as number];
  };
  return {
    parameters: 0,
    check: async (thorough) => (thorough ? checkSurgery(...(await run())) : []),
    step: run,
    dispose: () => tf.dispose(data),
  };
}

/** By bisection, 26 halvings. */
function quantiles(): Prepared {
  const problem = mixtures(128, 768, COMPONENTS);
  const data = [problem.logits, problem.means, problem.logScales, problem.target].map(toTensor) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const run = async (): Promise<ArrayLike<number>> => {
    const found = tf.tidy(() => {
      const [logits, means, logScales, target] = data;
      const [weights, scales, rates] = [tf.softmax(logits), tf.exp(logScales), tf.exp(tf.neg(logScales))];
      let low: Tensor = tf.min(tf.sub(means, tf.mul(scales, 20)), 2);
      let high: Tensor = tf.max(tf.add(means, tf.mul(scales, 20)), 2);
      for (let halving = 0; halving < 26; halving++) {
        [low, high] = tf.tidy((): [Tensor, Tensor] => {
          const x = tf.mul(tf.add(low, high), 0.5);
          const below = tf.sum(tf.mul(weights, tf.sigmoid(tf.mul(tf.sub(tf.expandDims(x, 2), means), rates))), 2);
          const isLow = tf.less(below, target);
          return [tf.where(isLow, x, low), tf.where(isLow, high, x)];
        });
      }
      return tf.mul(tf.add(low, high), 0.5);
    });
    const values = await found.data();
    found.dispose();
    return values;
  };
  return {
    parameters: 0,
    check: async () => checkQuantiles(await run(), problem.solution()),
    step: run,
    dispose: () => tf.dispose(data),
  };
}

const small = { dim: 2, rows: 512, layers: 8, hidden: 64 };
const large = { dim: 64, rows: 128, hidden: 256 };
/** P1 ... P10, in order. */
export const WORKLOADS: readonly Workload[] = [
  { name: 'P1', make: () => planar(2, 256, LOSSES.P1) },
  { name: 'P2', make: () => planar(32, 128, LOSSES.P2) },
  { name: 'P3', make: () => couplings({ ...small, outputs: 2, transform: affine }, LOSSES.P3) },
  { name: 'P4', make: () => couplings({ ...large, layers: 8, outputs: 2, transform: affine }, LOSSES.P4) },
  { name: 'P5', make: maskedAutoregressive },
  { name: 'P6', make: () => couplings({ ...large, layers: 4, outputs: 3 * COMPONENTS, transform: mixtureLogit }, LOSSES.P6) },
  { name: 'P7', make: autoencoder },
  { name: 'P8', make: surgery },
  { name: 'P9', make: quantiles },
  { name: 'P10', make: () => couplings({ ...small, outputs: 3 * BINS - 1, transform: spline }, LOSSES.P10) },
];
