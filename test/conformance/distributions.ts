import { mul, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import type { Distribution, Rng } from 'tfjs-flows';
import {
  affineCoupling,
  bernoulli,
  categorical,
  chain,
  diagNormal,
  discretizedLogistic,
  discretizedLogisticMixture,
  flow,
  fullNormal,
  iaf,
  invert,
  laplace,
  logistic,
  logisticMixtureCdf,
  maf,
  mixture,
  planar,
  normal as scalarNormal,
  scaleShift,
  sigmoidBijector,
  standardNormal,
  studentT,
  uniform,
  vampPrior,
} from 'tfjs-flows';

/** One line of the table: a distribution in one configuration. */
export interface DistributionCase {
  readonly name: string;
  readonly make: (rng: Rng) => Distribution;
  readonly contextDim?: number;
  /** A box that holds the mass. Default [-12, 12]. */
  readonly support?: readonly [low: number, high: number];
  /** Every event of a discrete distribution. */
  readonly values?: readonly (readonly number[])[];
  /** What parameters are drawn at. Default 1. */
  readonly scale?: number;
}

const normal = (dim: number): Distribution => standardNormal({ eventShape: [dim] });

/** Every distribution: over one and two elements, since the laws are integrals. */
export const distributionCases: readonly DistributionCase[] = [
  { name: 'standardNormal, D = 1', make: () => normal(1) },
  { name: 'standardNormal, D = 2', make: () => normal(2) },
  { name: 'diagNormal by scale', make: () => diagNormal({ mean: tensor1d([1, -2]), scale: tensor1d([0.5, 1.5]) }) },
  {
    name: 'diagNormal by log-scale',
    make: () => diagNormal({ mean: tensor1d([1]), logScale: tensor1d([-1]) }),
    support: [-2, 4],
  },
  { name: 'diagNormal of its own', make: () => diagNormal({ eventShape: [2], trainable: true }), support: [-30, 30], scale: 0.5 },
  { name: 'logistic', make: () => logistic({ location: tensor1d([0.5]), scale: tensor1d([0.7]) }) },
  {
    name: 'logistic by log-scale',
    make: () => logistic({ location: tensor1d([0.5, -1]), logScale: tensor1d([0, -0.7]) }),
    support: [-16, 16],
  },
  {
    name: 'fullNormal',
    make: () =>
      fullNormal({
        mean: tensor1d([1, -2]),
        scaleTril: tensor2d([
          [1.2, 5],
          [-0.9, 0.6],
        ]),
      }),
  },
  { name: 'normal', make: () => scalarNormal({ mean: 0.5, scale: 1.5 }) },
  { name: 'laplace', make: () => laplace({ location: tensor1d([0.5]), scale: tensor1d([0.7]) }) },
  {
    name: 'studentT',
    make: () => studentT({ df: 6, location: tensor1d([0.5]), logScale: tensor1d([-0.7]) }),
    support: [-20, 20],
  },
  { name: 'uniform', make: () => uniform({ low: -1, high: 3, eventShape: [1] }), support: [-1, 3] },
  { name: 'uniform over a square', make: () => uniform({ low: -1, high: 3, eventShape: [2] }), support: [-1, 3] },
  { name: 'bernoulli', make: () => bernoulli({ logits: tensor1d([0.8]) }), values: [[0], [1]] },
  {
    name: 'bernoulli over three bits',
    make: () => bernoulli({ logits: tensor1d([0.8, -2, 0]) }),
    values: [0, 1].flatMap((a) => [0, 1].flatMap((b) => [0, 1].map((c) => [a, b, c]))),
  },
  {
    name: 'categorical over three classes, twice',
    make: () =>
      categorical({
        logits: tensor2d([
          [0.7, -1.5, 0.25],
          [-2, 1, 0.5],
        ]),
      }),
    values: [0, 1, 2].flatMap((a) => [0, 1, 2].map((b) => [a, b])),
  },
  {
    name: 'discretizedLogistic',
    make: () => discretizedLogistic({ location: tensor1d([0.25]), logScale: tensor1d([-1.5]), levels: 6 }),
    values: [0, 1, 2, 3, 4, 5].map((value) => [value]),
  },
  {
    name: 'discretizedLogisticMixture',
    make: () =>
      discretizedLogisticMixture({
        logits: tensor2d([[0.5, -1, 0.25]]),
        means: tensor2d([[-0.5, 0.25, 0.9]]),
        logScales: tensor2d([[-1, -2, -0.5]]),
        levels: 8,
      }),
    values: [0, 1, 2, 3, 4, 5, 6, 7].map((value) => [value]),
  },
  {
    name: 'mixture of a batch',
    make: () =>
      mixture({
        logits: tensor1d([1, -0.5, 0.25]),
        components: diagNormal({ mean: tensor2d([[-1], [3], [0.5]]), scale: tensor2d([[0.5], [0.8], [1.2]]) }),
      }),
  },
  {
    name: 'mixture of a list',
    make: () =>
      mixture({
        logits: tensor1d([0.5, -0.25]),
        components: [laplace({ location: tensor1d([-2]), scale: 0.5 }), diagNormal({ eventShape: [1], trainable: true })],
        trainable: true,
      }),
    scale: 0.5,
  },
  {
    name: 'flow: planar',
    make: (rng) => flow({ base: normal(2), bijector: chain([planar({ dim: 2, rng }), planar({ dim: 2, rng })]) }),
  },
  {
    name: 'flow: planar from a context',
    make: (rng) => flow({ base: normal(2), bijector: planar({ dim: 2, contextDim: 2, rng }) }),
    contextDim: 2,
  },
  {
    name: 'flow: affine coupling',
    make: (rng) =>
      flow({ base: normal(2), bijector: affineCoupling({ dim: 2, hidden: [4], activation: 'tanh', scale: 'tanh', rng }) }),
    support: [-16, 16],
  },
  {
    name: 'flow: masked autoregressive',
    make: (rng) => flow({ base: normal(2), bijector: maf({ dim: 2, hidden: [4], activation: 'tanh', scale: 'tanh', rng }) }),
    support: [-20, 20],
  },
  {
    name: 'flow: inverse autoregressive',
    make: (rng) => flow({ base: normal(2), bijector: iaf({ dim: 2, hidden: [4], activation: 'tanh', rng }) }),
    scale: 0.5,
  },
  {
    name: 'flow: mixture of logistics',
    make: (rng) =>
      flow({
        base: logistic({ location: 0, scale: 1, eventShape: [1] }),
        bijector: invert(logisticMixtureCdf({ dim: 1, components: 3, rng })),
      }),
    support: [-40, 40],
    scale: 0.7,
  },
  {
    name: 'vampPrior',
    make: () =>
      vampPrior({
        posterior: (u) => diagNormal({ mean: mul(u, 2), scale: 0.6 }),
        pseudoInputs: tensor2d([[1], [0], [-1]]),
        eventShape: [1],
      }),
  },
  {
    name: 'flow: squashed, of another event rank',
    make: () => flow({ base: normal(2), bijector: chain([scaleShift({ scale: 0.8, shift: 0.3 }), sigmoidBijector()]) }),
    support: [0, 1],
  },
];
