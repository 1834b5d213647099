// Stacks of couplings over D = 2 and D = 64, in the density direction: the stack's inverse goes from data to base, and so that it
// computes what the workloads say, maps that they state from data to base are inverted.
import type { Bijector, FlowOptions } from 'tfjs-flows';
import {
  affineCoupling,
  chain,
  flow,
  invert,
  logisticMixtureCoupling,
  negativeLogLikelihood,
  splineCoupling,
  standardNormal,
} from 'tfjs-flows';
import type { Losses, Prepared, Workload } from '../contract.js';
import { LOSSES } from '../contract.js';
import { hashNormal, perceptronWeights } from '../data.js';
import { affineColumns, assign, named, reorderOutputs, toTensor, training } from './workload.js';

interface Sizes {
  readonly dim: number;
  readonly rows: number;
  readonly layers: number;
  readonly hidden: number;
  /** Outputs of a network for each transformed element. */
  readonly outputs: number;
}

interface Density extends Sizes {
  /** Layer k, whose inverse goes from data to base. */
  layer(options: { dim: number; hidden: number[]; flip: boolean }): Bijector;
  /** Where the columns of a network's last layer come from. */
  readonly columns?: readonly number[];
  readonly expected: Losses | undefined;
}

function density({ dim, rows, layers, hidden, outputs, layer, columns, expected }: Density): Prepared {
  const half = dim / 2;
  const stack = Array.from({ length: layers }, (_, k) => {
    const bijector = layer({ dim, hidden: [hidden, hidden], flip: k % 2 === 1 });
    const weights = perceptronWeights([half, hidden, hidden, half * outputs], k);
    assign(bijector.parameters, named('conditioner.', columns === undefined ? weights : reorderOutputs(weights, columns)));
    return bijector;
  });
  // Layer 0 is the one next to the data.
  const options: FlowOptions = { base: standardNormal({ eventShape: [dim] }), bijector: chain([...stack].reverse()) };
  const model = flow(options);
  const x = toTensor(hashNormal([rows, dim], 1));
  const objective = negativeLogLikelihood({ distribution: model });
  return training({ model, loss: () => objective(x), expected, release: () => x.dispose() });
}

const small: Omit<Sizes, 'outputs'> = { dim: 2, rows: 512, layers: 8, hidden: 64 };

export const COUPLING_WORKLOADS: readonly Workload[] = [
  {
    name: 'P3',
    make: () => affineCouplings(small, LOSSES.P3),
  },
  {
    name: 'P4',
    make: () => affineCouplings({ dim: 64, rows: 128, layers: 8, hidden: 256 }, LOSSES.P4),
  },
  {
    name: 'P6',
    make: () =>
      density({
        ...{ dim: 64, rows: 128, layers: 4, hidden: 256, outputs: 24 },
        layer: (options) => logisticMixtureCoupling({ ...options, components: 8, affine: false }),
        expected: LOSSES.P6,
      }),
  },
  {
    name: 'P10',
    make: () =>
      density({
        ...{ ...small, outputs: 23 },
        layer: (options) => invert(splineCoupling({ ...options, bins: 8, bound: 3, constraint: 'original' })),
        expected: LOSSES.P10,
      }),
  },
];

/** A stack of affine couplings of any size. */
export function affineCouplings(sizes: Omit<Sizes, 'outputs'>, expected?: Losses): Prepared {
  return density({
    ...sizes,
    outputs: 2,
    layer: (options) => invert(affineCoupling({ ...options, scale: 'tanh' })),
    columns: affineColumns(sizes.dim / 2),
    expected,
  });
}
