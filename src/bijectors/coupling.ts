import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape, sum, zeros } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import type { Conditioner } from '../core/conditioner.js';
import { checkInteger, checkOptions, invalid } from '../core/errors.js';
import type { ImageShape } from '../core/images.js';
import { checkImageShape } from '../core/images.js';
import { batchShapeOf, sizeOf } from '../core/shapes.js';
import type { Transformer } from '../core/transformer.js';
import { withShape } from '../core/withShape.js';
import { join } from '../kernels/take/join.js';
import { take } from '../kernels/take/take.js';
import { rowsTransformer } from './rowsTransformer.js';

/** The sizes that a coupling's conditioner must have. */
export interface CouplingSizes {
  readonly inputDim: number;
  readonly outputDim: number;
  readonly contextDim: number;
}

/** The sizes that the conditioner of a coupling over images must have: channels, and [H, W]. */
export interface ImageCouplingSizes extends CouplingSizes {
  readonly imageSize: readonly [height: number, width: number];
}

/**
 * Which entries a coupling transforms: a list with true for those, or 'half' (the second half; with odd D the untouched
 * part is the larger one), or 'alternating' (1, 3, 5, ...).
 */
export type CouplingMask = readonly boolean[] | 'half' | 'alternating';

/**
 * Which entries of an image a coupling transforms: 'channels' (the second half of the channels; the untouched part is the larger
 * one where their number is odd), 'checkerboard' (all channels of the pixels whose row and column add up to an odd number), or a
 * list of H W C entries, row by row with the channels last, with true for those.
 */
export type ImageCouplingMask = readonly boolean[] | 'channels' | 'checkerboard';

interface CommonOptions {
  readonly transformer: Transformer;
  /** Transforms what the mask would leave, and leaves what it would transform. Default false. */
  readonly flip?: boolean;
  /** Default 0: takes no context. */
  readonly contextDim?: number;
  /** What it is called in errors. Default 'coupling'. */
  readonly name?: string;
}

/** What `coupling` takes for vectors. */
export interface CouplingOptions extends CommonOptions {
  /** D: size of an event, at least 2. */
  readonly dim: number;
  /** Makes the conditioner, which the coupling then owns, of the needed sizes. */
  readonly conditioner: (sizes: CouplingSizes) => Conditioner;
  /** What is transformed. Default 'half'. */
  readonly mask?: CouplingMask;
}

/** What `coupling` takes for images. */
export interface ImageCouplingOptions extends CommonOptions {
  /** [H, W, C] of an event. */
  readonly shape: ImageShape;
  /** Makes the conditioner over images, which the coupling then owns, of the needed sizes. */
  readonly conditioner: (sizes: ImageCouplingSizes) => Conditioner;
  /** What is transformed. Default 'channels'. */
  readonly mask?: ImageCouplingMask;
}

/**
 * Coupling layer: y_A = x_A, y_B = T(x_B; theta(x_A, context)), with B where the mask is true.
 *
 * log|det| is the sum of the transformer's log-derivatives over B. The inverse leaves A as well, so it runs the conditioner
 * once too. The transformer never sees the entries of A.
 *
 * Over images, with the mask 'channels' the conditioner sees the untouched channels and gives P numbers for each other one of every
 * pixel. With 'checkerboard' and with a list it sees the whole image, with zeros at B, and gives P numbers for each entry; those
 * of A go unused. `convNet`, `resNet` and `gatedAttention` are such conditioners.
 *
 * Shapes: x and y [...batch, D] or [...batch, H, W, C], log-det [...batch], context [...batch, contextDim]. The costs are the
 * transformer's. Parameters are the conditioner's: `conditioner.hidden0.kernel` ...
 *
 * @throws for a mask of another size or that does not split the event in two, a conditioner of other sizes than asked for, an
 * unknown option, and at a call for a wrong shape.
 * Source: Dinh et al. 2017, "Density estimation using Real NVP", section 3.2.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { affineTransformer, convNet, coupling, createRng, mlp } from 'tfjs-flows';
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
 *
 * const image = coupling({
 *   shape: [4, 4, 1],
 *   mask: 'checkerboard',
 *   transformer: affineTransformer(),
 *   conditioner: (sizes) => convNet({ ...sizes, hidden: [8], rng: createRng(0) }),
 * });
 * console.log(image.forward(tf.ones([4, 4, 1])).dataSync().filter((value) => value === 1).length); // => 8
 * ```
 */
export function coupling(options: CouplingOptions): Bijector;
export function coupling(options: ImageCouplingOptions): Bijector;
export function coupling(options: CouplingOptions | ImageCouplingOptions): Bijector {
  const known = ['dim', 'shape', 'transformer', 'conditioner', 'mask', 'flip', 'contextDim', 'name'];
  checkOptions('coupling', options, known);
  const { transformer, contextDim = 0, name = 'coupling' } = options;
  const { event, mask, whole } = layoutOf(name, options);
  checkInteger(name, 'options.contextDim', contextDim, 0);
  const places = mask.map((_, d) => d);
  const kept = places.filter((d) => !mask[d]);
  const moved = places.filter((d) => mask[d]);
  const size = transformer.parameterSize;
  const channels = event[event.length - 1] as number;
  const sizes = {
    inputDim: whole ? channels : kept.length,
    outputDim: (whole ? channels : moved.length) * size,
    contextDim,
    ...(event.length === 1 ? {} : { imageSize: [event[0], event[1]] as [number, number] }),
  };
  const conditioner = options.conditioner(sizes as ImageCouplingSizes);
  checkSizes(name, conditioner, sizes);

  const transform = rowsTransformer(transformer, mask.length, moved);
  const together = (untouched: Tensor, others: Tensor): Tensor => join([untouched, others], [kept, moved]);
  /** [rows, kept] -> [rows, moved P]. */
  const parametersOf = (untouched: Tensor, batch: readonly number[], call: CallOptions): Tensor => {
    const rows = untouched.shape[0] as number;
    const shown = whole ? together(untouched, zeros([rows, moved.length])) : untouched;
    const made = conditioner.apply(withShape(shown, [...batch, ...event.slice(0, -1), sizes.inputDim]), call);
    const own = whole ? take(withShape(made, [rows, mask.length, size]), moved, 1) : made;
    return withShape(own, [rows, moved.length * size]);
  };

  const apply =
    (method: 'forwardAndLogDerivative' | 'inverseAndLogDerivative') =>
    (x: Tensor, call: CallOptions): [Tensor, Tensor] => {
      const batch = batchShapeOf(x, event.length);
      // Two axes whatever the event: an example a row, or with a mask of channels a pixel a row.
      const rows = withShape(x, [x.size / mask.length, mask.length]);
      const untouched = take(rows, kept);
      const [y, logDet] = transform(method, rows, parametersOf(untouched, batch, call));
      // With a mask of channels an example is several rows.
      return [
        withShape(y, x.shape),
        rows.shape[0] === sizeOf(batch) ? withShape(logDet, batch) : sum(reshape(logDet, [...batch, -1]), -1),
      ];
    };
  return defineBijector({
    name,
    forwardEvent: event,
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

interface Layout {
  readonly event: readonly number[];
  /** Over an event, or over the channels of each pixel. */
  readonly mask: readonly boolean[];
  /** Whether the conditioner sees the whole event, zeros where it is transformed, rather than the rest of it. */
  readonly whole: boolean;
}

function layoutOf(where: string, options: CouplingOptions | ImageCouplingOptions): Layout {
  const { dim, shape, flip = false } = options as Partial<CouplingOptions & ImageCouplingOptions>;
  if (shape === undefined) {
    checkInteger(where, 'options.dim', dim, 2);
    const { mask = 'half' } = options as CouplingOptions;
    const named = { half: (d: number) => d >= dim / 2, alternating: (d: number) => d % 2 === 1 };
    return { event: [dim], mask: maskOf(where, mask, named, [dim], flip), whole: false };
  }
  if (dim !== undefined) {
    throw invalid(where, 'options.dim', 'left out where options.shape is given', dim);
  }
  checkImageShape(where, shape);
  const { mask = 'channels' } = options as ImageCouplingOptions;
  const [, width, channels] = shape;
  const odd = (d: number): boolean => (Math.floor(d / (width * channels)) + (Math.floor(d / channels) % width)) % 2 === 1;
  const named = { channels: (d: number) => d % channels >= channels / 2, checkerboard: odd };
  const whole = mask !== 'channels';
  return { event: shape, mask: maskOf(where, mask, named, shape, flip), whole };
}

function maskOf(
  where: string,
  mask: readonly boolean[] | string,
  named: Readonly<Record<string, (place: number) => boolean>>,
  event: readonly number[],
  flip: boolean,
): readonly boolean[] {
  if (typeof flip !== 'boolean') {
    throw invalid(where, 'options.flip', 'true or false', flip);
  }
  const size = mask === 'channels' ? (event[2] as number) : sizeOf(event);
  const rule = typeof mask === 'string' && Object.hasOwn(named, mask) ? named[mask] : undefined;
  const list: readonly unknown[] = rule !== undefined ? Array.from({ length: size }, (_, d) => rule(d)) : Object(mask);
  const split = Array.isArray(list) && list.length === size && list.includes(true) && list.includes(false);
  if (!split || list.some((entry) => typeof entry !== 'boolean')) {
    const names = Object.keys(named).map((word) => `'${word}'`);
    throw invalid(where, 'options.mask', `${names.join(', ')} or ${sizeOf(event)} booleans, some of them true, some false`, mask);
  }
  return list.map((entry) => entry !== flip);
}
