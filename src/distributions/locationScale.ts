import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { add, div, exp, log, mul, sub, zeros } from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import { defineDistribution } from '../core/defineDistribution.js';
import type { Distribution } from '../core/distribution.js';
import { checkNumber, checkOptions, invalid } from '../core/errors.js';
import { parameter } from '../core/module.js';
import type { Parameter, ParameterShapeOptions } from '../core/parameterShapes.js';
import { checkEventShape, parameterAt, parameterShapes } from '../core/parameterShapes.js';
import type { Rng } from '../core/rng.js';
import { sizeOf, sumTrailing } from '../core/shapes.js';

/** The scale of a family, told one way or the other: parameters broadcast with each other to [...batch, ...event]. */
export interface ScaleOptions extends ParameterShapeOptions {
  /** Logarithm of the scale. */
  readonly logScale?: Parameter;
  /** The scale itself, above 0, in place of `logScale`. */
  readonly scale?: Parameter;
  /**
   * Makes own parameters of shape `eventShape`, which start from the given numbers or tensors (default: location 0, scale 1) and
   * are freed by `dispose`: a distribution that learns. Default false: nothing is owned.
   */
  readonly trainable?: boolean;
}

/** One member of a location-scale family, location 0 and scale 1, element by element. */
export interface StandardDensity {
  /** 'mean' or 'location': how the option, and the parameter, is called. */
  readonly location: string;
  noise(rng: Rng, size: readonly number[]): Tensor;
  /** log density without its constant. */
  logDensity(z: Tensor): Tensor;
  readonly logConstant: number;
  readonly entropy: number;
}

/** Location and scale at a call. */
export interface LocationScale {
  readonly location: Tensor;
  readonly scale: Tensor;
  readonly logScale: Tensor;
}

/** x = location + scale z with z of a standard density: what `diagNormal` and `logistic` share. */
export function locationScale(
  name: string,
  standard: StandardDensity,
  options: ScaleOptions & { readonly location?: Parameter },
  relations: (at: (call: CallOptions) => LocationScale, eventRank: number) => Pick<Distribution, 'family' | 'klTo'> = () => ({}),
): Distribution {
  const { eventShape, batchShape, parameters, at } = readParameters(name, standard.location, options);
  const rank = eventShape.length;
  const count = sizeOf(eventShape);
  // Of the full shape, whatever broadcasts to it.
  const spread = (value: Tensor): Tensor => add(zeros([...batchShape, ...eventShape]), value);
  const density = (z: Tensor, logScale: Tensor): Tensor =>
    add(sumTrailing(sub(standard.logDensity(z), logScale), rank), count * standard.logConstant);

  return defineDistribution({
    name,
    eventShape,
    batchShape: () => batchShape,
    parameters,
    sample: (size, { rng, ...call }) => {
      const { location, scale } = at(call);
      return add(location, mul(scale, standard.noise(rng, size)));
    },
    logProb: (value, call) => {
      const { location, scale, logScale } = at(call);
      return density(div(sub(value, location), scale), logScale);
    },
    sampleAndLogProb: (size, { rng, ...call }) => {
      const { location, scale, logScale } = at(call);
      const z = standard.noise(rng, size);
      return [add(location, mul(scale, z)), density(z, logScale)];
    },
    // All the members here are symmetric with one peak.
    mean: (call) => spread(at(call).location),
    mode: (call) => spread(at(call).location),
    entropy: (call) => add(sumTrailing(spread(at(call).logScale), rank), count * standard.entropy),
    ...relations(at, rank),
  });
}

interface Parameters {
  readonly eventShape: number[];
  readonly batchShape: number[];
  readonly parameters: Readonly<Record<string, Variable>>;
  at(call: CallOptions): LocationScale;
}

function readParameters(
  where: string,
  locationName: string,
  options: ScaleOptions & { readonly location?: Parameter },
): Parameters {
  const { trainable = false } = options;
  if (typeof trainable !== 'boolean') {
    throw invalid(where, 'options.trainable', 'true or false', trainable);
  }
  if (options.logScale !== undefined && options.scale !== undefined) {
    throw invalid(where, 'options.scale', 'left out where logScale is given', options.scale);
  }
  if (typeof options.scale === 'number') {
    checkNumber(where, 'options.scale', options.scale, { above: 0 });
  }
  const [scaleName, scale] =
    options.scale !== undefined ? ['scale', options.scale] : ['logScale', options.logScale ?? (trainable ? 0 : undefined)];
  const location = options.location ?? (trainable ? 0 : undefined);
  const given: Record<string, unknown> = { [locationName]: location, [scaleName as string]: scale };
  if (trainable) {
    checkEventShape(where, options.eventShape);
  }
  const { batchShape, eventShape } = parameterShapes(where, given, options);
  const at = (call: CallOptions): LocationScale => {
    const here = parameterAt(location as Parameter, call);
    const spread = parameterAt(scale as Parameter, call);
    return scaleName === 'scale'
      ? { location: here, scale: spread, logScale: log(spread) }
      : { location: here, scale: exp(spread), logScale: spread };
  };
  if (!trainable) {
    return { eventShape, batchShape, parameters: {}, at };
  }
  if (batchShape.length > 0) {
    throw invalid(where, 'options.eventShape', 'the whole shape of the parameters where they are trainable', options.eventShape);
  }
  const own = {
    location: parameter(() => add(zeros(eventShape), at({}).location)),
    logScale: parameter(() => add(zeros(eventShape), at({}).logScale)),
  };
  return {
    eventShape,
    batchShape,
    parameters: { [locationName]: own.location, logScale: own.logScale },
    at: (call) => {
      const logScale = parameterAt(own.logScale, call);
      return { location: parameterAt(own.location, call), logScale, scale: exp(logScale) };
    },
  };
}

/** The names of the options that `ScaleOptions` and a location have. */
export const checkScaleOptions = (where: string, locationName: string, options: unknown): void =>
  checkOptions(where, options, [locationName, 'logScale', 'scale', 'eventShape', 'eventRank', 'trainable']);
