import { add, log, sigmoid, softplus } from '@tensorflow/tfjs-core';
import type { Bijector, Rng } from 'tfjs-flows';
import {
  actNorm,
  additiveCoupling,
  affineCoupling,
  affineTransformer,
  autoregressive,
  batchNorm,
  chain,
  continuousFlow,
  convNet,
  coupling,
  elementwise,
  expBijector,
  gatedAttention,
  householder,
  iaf,
  identityBijector,
  invert,
  invertibleConv1x1,
  leakyReluBijector,
  logisticMixtureCdf,
  logisticMixtureCoupling,
  logisticMixtureTransformer,
  logitBijector,
  logitPreprocess,
  lowerUpper,
  made,
  maf,
  multiscale,
  permutation,
  planar,
  powerBijector,
  radial,
  rationalQuadraticSpline,
  reshapeBijector,
  residualFlow,
  resNet,
  reversePermutation,
  rotation,
  scaleShift,
  sigmoidBijector,
  sinhArcsinh,
  softplusBijector,
  splineCoupling,
  splineTransformer,
  squeeze2d,
  sylvester,
  tanhBijector,
} from 'tfjs-flows';

/** One line of the table: a bijector in one configuration. */
export interface BijectorCase {
  readonly name: string;
  readonly make: (rng: Rng) => Bijector;
  /** Event shape of x. */
  readonly event: readonly number[];
  /** Event shape of y. Default: that of x. */
  readonly inverseEvent?: readonly number[];
  readonly contextDim?: number;
  /** Where x is drawn from. Default [-3, 3]. */
  readonly domain?: readonly [low: number, high: number];
  /** Where y is drawn from for the inverse by itself. Default [-3, 3]. */
  readonly image?: readonly [low: number, high: number];
  /** The numbers that x may be. Default: all. */
  readonly limits?: readonly [low: number, high: number];
  /** The numbers that y may be. Default: all. */
  readonly inverseLimits?: readonly [low: number, high: number];
}

/** Minima so large that finite differences do not meet corners of the log-det in bins as narrow as their steps. */
const gentleSpline = { bins: 3, bound: 3.5, minBinWidth: 0.1, minBinHeight: 0.1, minDerivative: 0.1 } as const;

/** Every bijector in every configuration that takes another branch. */
export const bijectorCases: readonly BijectorCase[] = [
  { name: 'planar, D = 1', make: (rng) => planar({ dim: 1, rng }), event: [1] },
  { name: 'planar, D = 3', make: (rng) => planar({ dim: 3, rng }), event: [3] },
  { name: 'planar, original constraint', make: (rng) => planar({ dim: 3, constraint: 'original', rng }), event: [3] },
  { name: 'planar, leaky ReLU', make: (rng) => planar({ dim: 3, activation: 'leakyRelu', rng }), event: [3] },
  { name: 'planar from a context', make: (rng) => planar({ dim: 2, contextDim: 3, rng }), event: [2], contextDim: 3 },

  { name: 'radial, D = 1', make: (rng) => radial({ dim: 1, rng }), event: [1] },
  { name: 'radial, D = 3', make: (rng) => radial({ dim: 3, rng }), event: [3] },
  { name: 'radial, original constraint', make: (rng) => radial({ dim: 2, constraint: 'original', rng }), event: [2] },
  { name: 'radial from a context', make: (rng) => radial({ dim: 2, contextDim: 3, rng }), event: [2], contextDim: 3 },

  { name: 'identity', make: () => identityBijector(), event: [] },
  { name: 'identity over vectors', make: () => identityBijector({ eventRank: 1 }), event: [2] },
  { name: 'scaleShift by numbers', make: () => scaleShift({ scale: -2.5, shift: 1 }), event: [] },
  { name: 'scaleShift by numbers over vectors', make: () => scaleShift({ scale: 256, eventRank: 1 }), event: [3] },
  { name: 'scaleShift of its own', make: () => scaleShift({ dim: 3 }), event: [3] },
  { name: 'actNorm', make: () => actNorm({ dim: 3 }), event: [3] },
  { name: 'actNorm over images', make: () => actNorm({ dim: 2, eventRank: 3 }), event: [2, 1, 2] },
  { name: 'permutation', make: () => permutation({ order: [2, 0, 1] }), event: [3] },
  { name: 'random permutation', make: (rng) => permutation({ order: { dim: 4, rng } }), event: [4] },
  { name: 'reverse permutation', make: () => reversePermutation({ dim: 3 }), event: [3] },
  { name: 'reshape', make: () => reshapeBijector({ from: [4], to: [2, 1, 2] }), event: [4], inverseEvent: [2, 1, 2] },
  { name: 'squeeze2d', make: () => squeeze2d(), event: [2, 4, 1], inverseEvent: [1, 2, 4] },
  {
    name: 'squeeze2d, space to depth',
    make: () => squeeze2d({ order: 'spaceToDepth' }),
    event: [2, 2, 2],
    inverseEvent: [1, 1, 8],
  },
  {
    name: 'multiscale',
    make: () => {
      const level = (dim: number): Bijector => chain([actNorm({ dim, eventRank: 3 }), invert(squeeze2d())]);
      return multiscale({ shape: [4, 4, 1], levels: [level(4), level(8)] });
    },
    event: [16],
    inverseEvent: [4, 4, 1],
  },
  {
    name: 'multiscale without squeezing, from a context',
    make: (rng) => {
      const event = [1, 2, 2];
      const ends = [reshapeBijector({ from: event, to: [4] }), reshapeBijector({ from: [4], to: event })] as const;
      const level = chain([ends[0], planar({ dim: 4, contextDim: 2, rng }), ends[1]]);
      return multiscale({ shape: [1, 2, 3], levels: [actNorm({ dim: 3, eventRank: 3 }), level], factor: 1 });
    },
    event: [6],
    inverseEvent: [1, 2, 3],
    contextDim: 2,
  },
  { name: 'sigmoid', make: () => sigmoidBijector(), event: [], image: [0.05, 0.95], inverseLimits: [0, 1] },
  {
    name: 'sigmoid onto an interval, over vectors',
    make: () => sigmoidBijector({ low: -2, high: 5, eventRank: 1 }),
    event: [2],
    image: [-1.9, 4.9],
    inverseLimits: [-2, 5],
  },
  { name: 'logit', make: () => logitBijector(), event: [], domain: [0.05, 0.95], limits: [0, 1] },
  {
    name: 'logit of an interval, over vectors',
    make: () => logitBijector({ low: -2, high: 5, eventRank: 1 }),
    event: [2],
    domain: [-1.9, 4.9],
    limits: [-2, 5],
  },
  {
    name: 'logit preprocessing',
    make: () => logitPreprocess({ levels: 4, lambda: 0.1 }),
    event: [2],
    domain: [0.2, 3.8],
    image: [-1.8, 1.8],
    limits: [0, 4],
  },
  {
    name: 'chain of planar maps',
    make: (rng) => chain([planar({ dim: 2, rng }), actNorm({ dim: 2 }), planar({ dim: 2, contextDim: 2, rng })]),
    event: [2],
    contextDim: 2,
  },
  {
    name: 'chain of other event ranks',
    make: (rng) => chain([planar({ dim: 2, rng }), invert(planar({ dim: 2, rng })), sigmoidBijector()]),
    event: [2],
    image: [0.1, 0.9],
    inverseLimits: [0, 1],
  },

  ...(['bounded', 'exp', 'tanh', 'softplus', 'sigmoid', 'gate'] as const).map(
    (scale): BijectorCase => ({
      name: `affineCoupling, scale '${scale}'`,
      make: (rng) => affineCoupling({ dim: 2, hidden: [4], activation: 'tanh', scale, rng }),
      event: [2],
    }),
  ),
  {
    name: 'affineCoupling, odd, alternating, from a context',
    make: (rng) =>
      affineCoupling({ dim: 3, hidden: [4], activation: 'tanh', mask: 'alternating', flip: true, contextDim: 2, rng }),
    event: [3],
    contextDim: 2,
  },
  {
    name: 'affineCoupling, a mask of its own',
    make: (rng) => affineCoupling({ dim: 4, hidden: [4, 4], activation: 'softplus', mask: [true, false, false, true], rng }),
    event: [4],
  },
  ...(['channels', 'checkerboard', [true, false, false, true]] as const).map(
    (mask): BijectorCase => ({
      name: `coupling over images, mask ${mask}`,
      make: (rng) =>
        coupling({
          shape: [1, 2, 2],
          mask,
          transformer: affineTransformer(),
          conditioner: (sizes) => convNet({ ...sizes, hidden: [3], activation: 'tanh', rng }),
        }),
      event: [1, 2, 2],
    }),
  ),
  {
    name: 'coupling over images, flipped checkerboard, from a context',
    make: (rng) =>
      coupling({
        shape: [2, 2, 1],
        mask: 'checkerboard',
        flip: true,
        contextDim: 2,
        transformer: affineTransformer(),
        conditioner: (sizes) => convNet({ ...sizes, hidden: [2, 2], activation: 'tanh', rng }),
      }),
    event: [2, 2, 1],
    contextDim: 2,
  },
  {
    name: 'coupling over images, residual network, from a context',
    make: (rng) =>
      coupling({
        shape: [1, 2, 2],
        contextDim: 2,
        transformer: affineTransformer(),
        conditioner: (sizes) => resNet({ ...sizes, channels: 3, blocks: 1, activation: 'tanh', rng }),
      }),
    event: [1, 2, 2],
    contextDim: 2,
  },
  {
    name: 'coupling over images, gated attention, from a context',
    make: (rng) =>
      coupling({
        shape: [1, 2, 2],
        contextDim: 2,
        transformer: affineTransformer(),
        conditioner: (sizes) => gatedAttention({ ...sizes, channels: 4, heads: 2, blocks: 1, kernelSize: 1, rng }),
      }),
    event: [1, 2, 2],
    contextDim: 2,
  },
  {
    name: 'additiveCoupling',
    make: (rng) => additiveCoupling({ dim: 3, hidden: [4], activation: 'elu', rng }),
    event: [3],
  },
  {
    name: 'logisticMixtureCoupling',
    make: (rng) => logisticMixtureCoupling({ dim: 2, components: 3, hidden: [4], activation: 'tanh', rng }),
    event: [2],
  },
  {
    name: 'logisticMixtureCoupling without its affine map, from a context',
    make: (rng) =>
      logisticMixtureCoupling({ dim: 3, components: 2, affine: false, hidden: [4], activation: 'tanh', contextDim: 1, rng }),
    event: [3],
    contextDim: 1,
  },
  { name: 'iaf', make: (rng) => iaf({ dim: 3, hidden: [6], activation: 'tanh', rng }), event: [3] },
  { name: 'iaf, D = 1', make: (rng) => iaf({ dim: 1, hidden: [4], activation: 'tanh', rng }), event: [1] },
  {
    name: 'iaf, reversed, from a context',
    make: (rng) => iaf({ dim: 2, hidden: [5, 5], activation: 'tanh', order: 'reversed', contextDim: 2, rng }),
    event: [2],
    contextDim: 2,
  },
  { name: 'maf', make: (rng) => maf({ dim: 3, hidden: [6], activation: 'tanh', rng }), event: [3] },
  {
    name: 'maf, residual, random order, from a context',
    make: (rng) => maf({ dim: 3, hidden: [5, 5], activation: 'tanh', residual: true, order: 'random', contextDim: 2, rng }),
    event: [3],
    contextDim: 2,
  },
  {
    name: 'autoregressive with logistic mixtures',
    make: (rng) =>
      autoregressive({
        dim: 2,
        transformer: logisticMixtureTransformer({ components: 2 }),
        conditioner: (sizes) => made({ ...sizes, hidden: [5], activation: 'tanh', rng }),
        parallel: 'inverse',
      }),
    event: [2],
  },
  { name: 'logisticMixtureCdf', make: (rng) => logisticMixtureCdf({ dim: 2, components: 4, rng }), event: [2] },
  { name: 'logisticMixtureCdf, K = 1', make: (rng) => logisticMixtureCdf({ dim: 1, components: 1, rng }), event: [1] },
  {
    name: 'logisticMixtureCdf in the tails',
    make: (rng) => logisticMixtureCdf({ dim: 1, components: 3, rng }),
    event: [1],
    domain: [-30, 30],
    image: [-30, 30],
  },

  { name: 'tanh', make: () => tanhBijector(), event: [], domain: [-2, 2], image: [-0.9, 0.9], inverseLimits: [-1, 1] },
  { name: 'softplus', make: () => softplusBijector(), event: [], image: [0.1, 6], inverseLimits: [0, Number.POSITIVE_INFINITY] },
  {
    name: 'exp over vectors',
    make: () => expBijector({ eventRank: 1 }),
    event: [2],
    image: [0.1, 6],
    inverseLimits: [0, Number.POSITIVE_INFINITY],
  },
  {
    name: 'leakyRelu below zero, over vectors',
    make: () => leakyReluBijector({ eventRank: 1 }),
    event: [2],
    domain: [-3, -0.3],
    image: [-3, -0.3],
  },
  {
    name: 'leakyRelu above zero',
    make: () => leakyReluBijector({ slope: 0.5 }),
    event: [],
    domain: [0.3, 3],
    image: [0.3, 3],
  },
  {
    name: 'power of positive numbers',
    make: () => powerBijector({ power: -1.5 }),
    event: [],
    domain: [0.3, 3],
    image: [0.3, 3],
    limits: [0, Number.POSITIVE_INFINITY],
    inverseLimits: [0, Number.POSITIVE_INFINITY],
  },
  {
    name: 'odd power',
    make: () => powerBijector({ power: 3, domain: 'odd', eventRank: 1 }),
    event: [2],
    domain: [0.3, 3],
    image: [0.3, 3],
  },
  {
    name: 'elementwise, inverted numerically',
    make: () =>
      elementwise({
        forward: (x) => add(x, softplus(x)),
        logDerivative: (x) => log(add(sigmoid(x), 1)),
        eventRank: 1,
      }),
    event: [2],
  },

  { name: 'rationalQuadraticSpline', make: () => rationalQuadraticSpline({ dim: 2, bins: 4, bound: 2 }), event: [2] },
  {
    name: 'rationalQuadraticSpline from a context',
    make: (rng) => rationalQuadraticSpline({ ...gentleSpline, dim: 2, contextDim: 2, rng }),
    event: [2],
    contextDim: 2,
  },
  ...(['original', 'bounded'] as const).map(
    (constraint): BijectorCase => ({
      name: `rationalQuadraticSpline, ${constraint} constraint`,
      make: () => rationalQuadraticSpline({ dim: 1, bins: 3, bound: 3.5, constraint }),
      event: [1],
    }),
  ),
  ...(['circular', 'free'] as const).map(
    (boundary): BijectorCase => ({
      name: `rationalQuadraticSpline, ${boundary} boundary`,
      make: () => rationalQuadraticSpline({ dim: 2, bins: 3, bound: 2.5, boundary }),
      event: [2],
    }),
  ),
  {
    name: 'splineCoupling',
    make: (rng) => splineCoupling({ ...gentleSpline, dim: 2, hidden: [4], activation: 'tanh', rng }),
    event: [2],
  },
  {
    name: 'splineCoupling from a context',
    make: (rng) =>
      splineCoupling({ ...gentleSpline, dim: 3, boundary: 'circular', hidden: [4], activation: 'tanh', contextDim: 2, rng }),
    event: [3],
    contextDim: 2,
  },
  {
    name: 'autoregressive with splines',
    make: (rng) =>
      autoregressive({
        dim: 2,
        transformer: splineTransformer(gentleSpline),
        conditioner: (sizes) => made({ ...sizes, hidden: [4], activation: 'tanh', rng }),
        parallel: 'inverse',
      }),
    event: [2],
  },

  { name: 'sylvester', make: (rng) => sylvester({ dim: 2, rng }), event: [2] },
  { name: 'sylvester, Householder', make: (rng) => sylvester({ dim: 2, variant: 'householder', rng }), event: [2] },
  {
    name: 'sylvester, triangular, reversed',
    make: (rng) => sylvester({ dim: 3, variant: 'triangular', reverse: true, rng }),
    event: [3],
  },
  {
    name: 'sylvester, M = 1, from a context',
    make: (rng) => sylvester({ dim: 2, bottleneck: 1, contextDim: 1, rng }),
    event: [2],
    contextDim: 1,
  },

  { name: 'sinhArcsinh', make: (rng) => sinhArcsinh({ dim: 2, rng }), event: [2] },
  {
    name: 'sinhArcsinh in the tails, from a context',
    make: (rng) => sinhArcsinh({ dim: 2, contextDim: 1, rng }),
    event: [2],
    contextDim: 1,
    domain: [-30, 30],
  },

  { name: 'residualFlow', make: (rng) => residualFlow({ dim: 2, hidden: [4], coefficient: 0.6, rng }), event: [2] },
  {
    name: 'residualFlow, tanh, from a context',
    make: (rng) => residualFlow({ dim: 3, hidden: [3], activation: 'tanh', coefficient: 0.7, contextDim: 2, rng }),
    event: [3],
    contextDim: 2,
  },

  { name: 'lowerUpper', make: () => lowerUpper({ dim: 3 }), event: [3] },
  { name: 'lowerUpper without a bias', make: () => lowerUpper({ dim: 2, bias: false }), event: [2] },
  { name: 'invertibleConv1x1', make: (rng) => invertibleConv1x1({ dim: 2, rng }), event: [2, 1, 2] },
  { name: 'invertibleConv1x1 with a bias', make: (rng) => invertibleConv1x1({ dim: 3, bias: true, rng }), event: [1, 1, 3] },
  { name: 'householder', make: (rng) => householder({ dim: 3, rng }), event: [3] },
  {
    name: 'householder from a context',
    make: (rng) => householder({ dim: 2, reflections: 3, contextDim: 2, rng }),
    event: [2],
    contextDim: 2,
  },
  { name: 'rotation', make: (rng) => rotation({ dim: 3, rng }), event: [3] },
  {
    name: 'rotation from a context',
    make: (rng) => rotation({ dim: 2, pairs: 2, contextDim: 1, rng }),
    event: [2],
    contextDim: 1,
  },

  { name: 'batchNorm', make: () => batchNorm({ dim: 3 }), event: [3] },
  { name: 'batchNorm over images', make: () => batchNorm({ dim: 2, eventRank: 3 }), event: [2, 1, 2] },

  { name: 'continuousFlow', make: (rng) => continuousFlow({ dim: 2, hidden: [1], steps: 4, rng }), event: [2] },
  {
    name: 'continuousFlow by rk4, from a context',
    make: (rng) => continuousFlow({ dim: 2, hidden: [1], activation: 'softplus', solver: 'rk4', steps: 6, contextDim: 1, rng }),
    event: [2],
    contextDim: 1,
  },
  // In one dimension a sign e has e J e = J.
  {
    name: 'continuousFlow in steps of its own, by Hutchinson, D = 1',
    make: (rng) => continuousFlow({ dim: 1, hidden: [1], steps: 6, tolerance: 1e-6, trace: 'hutchinson', rng }),
    event: [1],
  },
];
