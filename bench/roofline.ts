import type { Values } from './data.js';
import { autoencoderMasks } from './data.js';

/** What a workload cannot do without. */
export interface Needs {
  /** Multiplications and additions of matrix products, those with masked weights left out. */
  readonly products: number;
  readonly parameters: number;
  /** Outputs of layers. */
  readonly activations: number;
  /** Exponentials, logarithms and what is made of one each. */
  readonly transcendentals: number;
  /** Other operations on elements. */
  readonly operations: number;
}

/** Networks of the same sizes. */
interface Networks {
  readonly sizes: readonly number[];
  readonly rows: number;
  readonly count: number;
  /** How many have data as input, which needs no gradient. */
  readonly onData: number;
  readonly masks?: readonly Values[];
  /** Weights of a context in the first layer. */
  readonly context?: number;
}

/** Forward, gradients of the weights, and of the inputs where those are no data. */
function needsOf({
  sizes,
  rows,
  count,
  onData,
  masks,
  context = 0,
}: Networks): Pick<Needs, 'products' | 'parameters' | 'activations'> {
  const all = sizes.slice(1).map((outputs, layer) => outputs * (sizes[layer] as number));
  const kept = masks === undefined ? all : masks.map(({ data }) => sum(data));
  const outputs = sum(sizes.slice(1));
  return {
    products: 2 * rows * (3 * count * (sum(kept) + context) - onData * (kept[0] as number)),
    parameters: count * (sum(all) + outputs + context),
    activations: rows * count * outputs,
  };
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

function together(networks: readonly Networks[], rest: Partial<Needs>): Needs {
  const each = networks.map(needsOf);
  const total = (key: 'products' | 'parameters' | 'activations'): number =>
    each.reduce((so, needs) => so + needs[key], rest[key] ?? 0);
  return {
    products: total('products'),
    parameters: total('parameters'),
    activations: total('activations'),
    transcendentals: rest.transcendentals ?? 0,
    operations: rest.operations ?? 0,
  };
}

const small = { rows: 512, count: 8, onData: 1 };

/** Each transcendental function once an element, none computed again. */
export const NEEDS: Readonly<Record<string, Needs>> = {
  P1: together([], { parameters: 80, transcendentals: 2 * 256 * 16 + 2 * 256 * 2, operations: 256 * 16 * (10 * 2 + 20) }),
  P2: together([], { parameters: 1040, transcendentals: 2 * 128 * 16 + 2 * 128 * 32, operations: 128 * 16 * (10 * 32 + 20) }),
  P3: together([{ ...small, sizes: [1, 64, 64, 2] }], { transcendentals: 2 * 512 * 8, operations: 512 * 8 * 12 }),
  P4: together([{ sizes: [32, 256, 256, 64], rows: 128, count: 8, onData: 1 }], {
    transcendentals: 2 * 128 * 32 * 8,
    operations: 128 * 32 * 8 * 12,
  }),
  P5: together([{ sizes: [32, 320, 320, 64], rows: 128, count: 4, onData: 1, masks: autoencoderMasks(32, [320, 320]) }], {
    transcendentals: 2 * 128 * 32 * 4,
    operations: 128 * 32 * 4 * 12,
  }),
  // A component takes three exponentials and a reciprocal, an element three logarithms.
  P6: together([{ sizes: [32, 256, 256, 768], rows: 128, count: 4, onData: 1 }], {
    transcendentals: 4 * 128 * 32 * (8 * 3 + 3),
    operations: 4 * 128 * 32 * 8 * 50,
  }),
  P7: together(
    [
      { sizes: [784, 300, 300, 120], rows: 100, count: 1, onData: 1 },
      { sizes: [40, 300, 300, 784], rows: 100, count: 1, onData: 0 },
      { sizes: [40, 320, 320, 80], rows: 100, count: 4, onData: 0, masks: autoencoderMasks(40, [320, 320]), context: 40 * 320 },
    ],
    { transcendentals: 100 * 784 * 2 + 100 * 40 * (1 + 4 * 2 + 3), operations: 100 * 784 * 8 },
  ),
  // z^2 and z times two coefficients a dimension, and an exponential a pair.
  P8: together([], { products: 2 * 64 * 1e8, transcendentals: 1e8, operations: 3e8 }),
  // Eight Newton steps in a bracket.
  P9: together([], { transcendentals: 128 * 768 * 8 * (8 + 2), operations: 128 * 768 * 8 * 8 * 6 }),
  P10: together([{ ...small, sizes: [1, 64, 64, 23] }], {
    transcendentals: 512 * 8 * (16 + 7 + 4),
    operations: 512 * 8 * 300,
  }),
};

/** Of one thread: bytes a nanosecond of weights and of what stays in a cache, ns a transcendental, operations a nanosecond. */
const RATES = { weights: 28, activations: 74, transcendental: 1.5, operations: 4 };

/**
 * Milliseconds of an ideal fused step, none of its parts at the same time as another, with products at `rate` GFLOP/s.
 *
 * Weights are read twice, and they and Adam's two moments read and written once more; an activation is written once and read
 * twice, its gradient written once and read twice.
 */
export function roofline({ products, parameters, activations, transcendentals, operations }: Needs, rate: number): number {
  const nanoseconds =
    products / rate +
    (8 * 4 * parameters) / RATES.weights +
    (6 * 4 * activations) / RATES.activations +
    transcendentals * RATES.transcendental +
    operations / RATES.operations;
  return nanoseconds / 1e6;
}
