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
import type { DensityKind } from '../kernels/logDensity/logDensity.js';
import { logDensity } from '../kernels/logDensity/logDensity.js';

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
  noise(rng: Rng, size: readonly number[], call: CallOptions): Tensor;
  /** log density without its constant. */
  logDensity(z: Tensor, call: CallOptions): Tensor;
  /** Where there is a fused kernel for it. */
  readonly kind?: DensityKind;
  readonly logConstant: number;
  /** Without what `shapeEntropy` adds. */
  readonly entropy: number;
  /** Parameters besides location and scale, which broadcast with them. */
  readonly shape?: Readonly<Record<string, Parameter>>;
  /** What these add to the entropy, element by element. */
  shapeEntropy?(call: CallOptions): Tensor;
}

/** Location and scale at a call. */
export interface LocationScale {
  readonly location: Tensor;
  readonly scale: Tensor;
  readonly logScale: Tensor;
}

/** x = location + scale z with z of a standard density: what `diagNormal`, `logistic` and others share. */
export function locationScale(
  name: string,
  standard: StandardDensity,
  options: ScaleOptions & { readonly location?: Parameter },
  relations: (at: (call: CallOptions) => LocationScale, eventRank: number) => Pick<Distribution, 'family' | 'klTo'> = () => ({}),
): Distribution {
  const { eventShape, batchShape, parameters, at } = readParameters(name, standard.location, options, standard.shape);
  const rank = eventShape.length;
  const count = sizeOf(eventShape);
  const full = [...batchShape, ...eventShape];
  // Of the full shape, whatever broadcasts to it.
  const spread = (value: Tensor): Tensor => add(zeros(full), value);
  const density = (z: Tensor, logScale: Tensor, call: CallOptions): Tensor =>
    logDensity(
      {
        kind: standard.kind,
        constant: count * standard.logConstant,
        composed: (here, logOfScale) => sub(standard.logDensity(here as Tensor, call), logOfScale as Tensor),
      },
      [z, logScale],
      rank,
    );

  return defineDistribution({
    name,
    eventShape,
    batchShape: () => batchShape,
    parameters,
    sample: (size, { rng, ...call }) => {
      const { location, scale } = at(call);
      return add(location, mul(scale, standard.noise(rng, size, call)));
    },
    logProb: (value, call) => {
      const { location, scale, logScale } = at(call);
      return density(div(sub(value, location), scale), logScale, call);
    },
    sampleAndLogProb: (size, { rng, ...call }) => {
      const { location, scale, logScale } = at(call);
      const z = standard.noise(rng, size, call);
      return [add(location, mul(scale, z)), density(z, logScale, call)];
    },
    // All the members here are symmetric with one peak.
    mean: (call) => spread(at(call).location),
    mode: (call) => spread(at(call).location),
    entropy: (call) => {
      const terms = [at(call).logScale, ...(standard.shapeEntropy === undefined ? [] : [standard.shapeEntropy(call)])];
      return add(sumTrailing(terms.reduce(add, zeros(full)), rank), count * standard.entropy);
    },
    ...relations(at, rank),
  });
}

/** What `readParameters` finds. */
export interface LocationScaleParameters {
  readonly eventShape: number[];
  readonly batchShape: number[];
  readonly parameters: Readonly<Record<string, Variable>>;
  at(call: CallOptions): LocationScale;
}

/** The checked parameters of a location-scale family, and its shapes, which parameters of its shape may widen. */
export function readParameters(
  where: string,
  locationName: string,
  options: ScaleOptions & { readonly location?: Parameter },
  shape: Readonly<Record<string, Parameter>> = {},
): LocationScaleParameters {
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
  const given: Record<string, unknown> = { [locationName]: location, [scaleName as string]: scale, ...shape };
  if (trainable) {
    checkEventShape(where, options.eventShape);
  }
  const { batchShape, eventShape } = parameterShapes(where, given, options);
  const at = (call: CallOptions): LocationScale => {
    const here = parameterAt(where, location as Parameter, call);
    const spread = parameterAt(where, scale as Parameter, call);
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
      const logScale = parameterAt(where, own.logScale, call);
      return { location: parameterAt(where, own.location, call), logScale, scale: exp(logScale) };
    },
  };
}

/** Throws for an option that is neither of `ScaleOptions`, nor a location, nor one of `more`. */
export const checkScaleOptions = (where: string, locationName: string, options: unknown, ...more: string[]): void =>
  checkOptions(where, options, [locationName, 'logScale', 'scale', 'eventShape', 'eventRank', 'trainable', ...more]);
