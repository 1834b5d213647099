import type { Tensor } from '@tensorflow/tfjs-core';
import { tidy } from '@tensorflow/tfjs-core';
import type { CallOptions } from './bijector.js';
import type { Distribution, SampleOptions } from './distribution.js';
import { checkDrawShape } from './drawShape.js';
import { checkCall } from './errors.js';
import type { ModuleState } from './module.js';
import { defineModule } from './module.js';
import type { Rng } from './rng.js';
import { createRng } from './rng.js';
import { batchShapeOf, broadcastShapes, checkEvent } from './shapes.js';

/** `SampleOptions` with their defaults filled in. */
export interface DrawOptions extends SampleOptions {
  readonly shape: readonly number[];
  readonly rng: Rng;
}

/** What `defineDistribution` takes. The formulas are those of `Distribution`. */
export interface DistributionSpec extends ModuleState, Pick<Distribution, 'family' | 'klTo'> {
  readonly name: string;
  readonly eventShape: readonly number[];
  /** Default: one distribution, whatever the context. */
  readonly batchShape?: (options: { readonly context?: Tensor }) => readonly number[];
  /**
   * Draws.
   *
   * @param size the shape to return: [...options.shape, ...batch, ...event].
   */
  sample(size: readonly number[], options: DrawOptions): Tensor;
  /** log p(value) in nats, of the shape of value without its event axes. */
  logProb(value: Tensor, options: CallOptions): Tensor;
  /** Where it is cheaper, or better, than `sample` and then `logProb`. */
  sampleAndLogProb?(size: readonly number[], options: DrawOptions): [sample: Tensor, logProb: Tensor];
  /** [...batch, ...event], where it exists. */
  mean?(options: CallOptions): Tensor;
  /** [...batch, ...event], where it exists. */
  mode?(options: CallOptions): Tensor;
  /** Nats, [...batch], where it exists. */
  entropy?(options: CallOptions): Tensor;
}

/**
 * Makes a distribution of its formulas. Input checks, memory and defaults live here, once.
 *
 * The formulas return tensors that they made, and may leave intermediates behind (they are freed).
 *
 * @throws from the made methods: a value of the wrong event shape or dtype, or whose batch axes do not broadcast with the
 * distribution's; a sample shape that is no list of sizes.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { createRng, defineDistribution } from 'tfjs-flows';
 *
 * const exponential = defineDistribution({
 *   name: 'exponential',
 *   eventShape: [],
 *   sample: (size, { rng }) => tf.neg(tf.log(rng.uniform(size))),
 *   logProb: (value) => tf.neg(value),
 * });
 * const [x, logProb] = exponential.sampleAndLogProb({ shape: [3], rng: createRng(0) });
 * console.log(x.shape, logProb.shape); // => [ 3 ] [ 3 ]
 * ```
 */
export function defineDistribution(spec: DistributionSpec): Distribution {
  const { name, eventShape } = spec;
  const batchShape = (options: { readonly context?: Tensor } = {}): number[] => [...(spec.batchShape?.(options) ?? [])];

  const drawing = (method: string, options: SampleOptions): [size: number[], options: DrawOptions] => {
    checkCall(`${name}.${method}`, options, 'shape');
    const { shape = [], rng = createRng() } = options;
    checkDrawShape(`${name}.${method}`, shape);
    return [[...shape, ...batchShape(options), ...eventShape], { ...options, shape, rng }];
  };
  const logProb = (value: Tensor, options: CallOptions = {}): Tensor => {
    checkCall(`${name}.logProb`, options);
    checkEvent(`${name}.logProb`, 'value', value, eventShape);
    broadcastShapes(`${name}.logProb`, batchShapeOf(value, eventShape.length), batchShape(options));
    return tidy(() => spec.logProb(value, options));
  };
  const property = (kind: 'mean' | 'mode' | 'entropy'): Partial<Distribution> | undefined =>
    spec[kind] && {
      [kind]: (options: CallOptions = {}): Tensor => {
        checkCall(`${name}.${kind}`, options);
        return tidy(() => spec[kind]?.(options) as Tensor);
      },
    };

  return {
    ...defineModule(spec),
    name,
    eventShape: Object.freeze([...eventShape]),
    batchShape,
    sample: (options = {}) => {
      const [size, draw] = drawing('sample', options);
      return tidy(() => spec.sample(size, draw));
    },
    logProb,
    sampleAndLogProb: (options = {}) => {
      const [size, draw] = drawing('sampleAndLogProb', options);
      return tidy(() => {
        if (spec.sampleAndLogProb) {
          return spec.sampleAndLogProb(size, draw);
        }
        const value = spec.sample(size, draw);
        const { shape: _, ...call } = draw;
        return [value, spec.logProb(value, call)] as [Tensor, Tensor];
      });
    },
    ...property('mean'),
    ...property('mode'),
    ...property('entropy'),
    ...(spec.family && { family: spec.family }),
    ...(spec.klTo && { klTo: spec.klTo }),
  };
}
