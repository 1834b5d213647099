import type { Tensor } from '@tensorflow/tfjs-core';
import { concat, reshape } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import type { Conditioner } from '../core/conditioner.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import { sumTrailing } from '../core/shapes.js';
import type { Transformer } from '../core/transformer.js';
import { take } from '../kernels/take/take.js';

/** The sizes that a coupling's conditioner must have. */
export interface CouplingSizes {
  readonly inputDim: number;
  readonly outputDim: number;
  readonly contextDim: number;
}

/**
 * Which entries a coupling transforms: a list with true for those, or 'half' (the second half; with odd D the untouched
 * part is the larger one), or 'alternating' (1, 3, 5, ...).
 */
export type CouplingMask = readonly boolean[] | 'half' | 'alternating';

/** What `coupling` takes. */
export interface CouplingOptions {
  /** D: size of an event, at least 2. */
  readonly dim: number;
  readonly transformer: Transformer;
  /** Makes the conditioner, which the coupling then owns, of the needed sizes. */
  readonly conditioner: (sizes: CouplingSizes) => Conditioner;
  /** What is transformed. Default 'half'. */
  readonly mask?: CouplingMask;
  /** Transforms what the mask would leave, and leaves what it would transform. Default false. */
  readonly flip?: boolean;
  /** Default 0: takes no context. */
  readonly contextDim?: number;
  /** What it is called in errors. Default 'coupling'. */
  readonly name?: string;
}

/**
 * Coupling layer: y_A = x_A, y_B = T(x_B; theta(x_A, context)), with B where the mask is true.
 *
 * log|det| is the sum of the transformer's log-derivatives over B. The inverse leaves A as well, so it runs the conditioner
 * once too. The transformer never sees the entries of A.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. The costs are the transformer's.
 * Parameters are the conditioner's: `conditioner.hidden0.kernel` ...
 *
 * @throws for a mask that is not of length D or does not split it in two, a conditioner of other sizes than asked for, an
 * unknown option, and at a call for a wrong shape.
 * Source: Dinh et al. 2017, "Density estimation using Real NVP", section 3.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { affineTransformer, coupling, createRng, mlp } from 'tfjs-flows';
 *
 * const flow = coupling({
 *   dim: 4,
 *   transformer: affineTransformer(),
 *   conditioner: (sizes) => mlp({ ...sizes, hidden: [16], rng: createRng(0) }),
 * });
 * const x = tf.tensor2d([[1, 2, 3, 4]]);
 * const [y, logDet] = flow.forwardAndLogDet(x);
 * console.log(Array.from(y.slice([0, 0], [1, 2]).dataSync()), logDet.shape); // => [ 1, 2 ] [ 1 ]
 * console.log(tf.max(tf.abs(tf.sub(flow.inverse(y), x))).dataSync()[0]! < 1e-5); // => true
 * ```
 */
export function coupling(options: CouplingOptions): Bijector {
  checkOptions('coupling', options, ['dim', 'transformer', 'conditioner', 'mask', 'flip', 'contextDim', 'name']);
  const { dim, transformer, contextDim = 0, name = 'coupling' } = options;
  checkInteger(name, 'options.dim', dim, 2);
  checkInteger(name, 'options.contextDim', contextDim, 0);
  const mask = maskOf(name, options);
  const places = Array.from({ length: dim }, (_, d) => d);
  const kept = places.filter((d) => !mask[d]);
  const moved = places.filter((d) => mask[d]);
  const size = transformer.parameterSize;
  const sizes = { inputDim: kept.length, outputDim: moved.length * size, contextDim };
  const conditioner = options.conditioner(sizes);
  checkSizes(name, conditioner, sizes);

  // back[d] is where entry d lies in [kept, moved].
  const back = places.map((d) => (mask[d] ? kept.length + moved.indexOf(d) : kept.indexOf(d)));
  const ordered = back.every((place, d) => place === d);

  const apply =
    (method: 'forwardAndLogDerivative' | 'inverseAndLogDerivative') =>
    (x: Tensor, call: CallOptions): [Tensor, Tensor] => {
      const untouched = take(x, kept);
      const entries = take(x, moved);
      const parameters = reshape(conditioner.apply(untouched, call), [...entries.shape, size]);
      const [result, logDerivative] = transformer[method](entries, parameters);
      const joined = concat([untouched, result], -1);
      return [ordered ? joined : take(joined, back), sumTrailing(logDerivative, 1)];
    };
  return defineBijector({
    name,
    forwardEvent: [dim],
    forwardCost: transformer.forwardCost,
    inverseCost: transformer.inverseCost,
    contextDim,
    parts: { conditioner },
    forwardAndLogDet: apply('forwardAndLogDerivative'),
    inverseAndLogDet: apply('inverseAndLogDerivative'),
  });
}

/** Throws unless the conditioner has the sizes that were asked for. */
export function checkSizes(where: string, conditioner: Conditioner, sizes: CouplingSizes): void {
  for (const name of ['inputDim', 'outputDim', 'contextDim'] as const) {
    if (conditioner?.[name] !== sizes[name]) {
      throw invalid(where, `options.conditioner(...).${name}`, String(sizes[name]), conditioner?.[name]);
    }
  }
}

function maskOf(where: string, { dim, mask = 'half', flip = false }: CouplingOptions): readonly boolean[] {
  if (typeof flip !== 'boolean') {
    throw invalid(where, 'options.flip', 'true or false', flip);
  }
  const named = { half: (d: number) => d >= dim / 2, alternating: (d: number) => d % 2 === 1 };
  if (typeof mask === 'string' && Object.hasOwn(named, mask)) {
    return Array.from({ length: dim }, (_, d) => named[mask](d) !== flip);
  }
  const split = Array.isArray(mask) && mask.length === dim && mask.includes(true) && mask.includes(false);
  if (!split || mask.some((entry) => typeof entry !== 'boolean')) {
    throw invalid(where, 'options.mask', `'half', 'alternating' or ${dim} booleans, some of them true, some false`, mask);
  }
  return mask.map((entry) => entry !== flip);
}
