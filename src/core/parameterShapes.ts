import type { Tensor } from '@tensorflow/tfjs-core';
import { scalar } from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, invalid } from './errors.js';
import { broadcastShapes, checkEvent } from './shapes.js';
import { own } from './stopGradient.js';

/** How a family's parameters divide into a batch and events. */
export interface ParameterShapeOptions {
  /** Shape of an event, where the parameters are numbers or broadcast to it. Default: what `eventRank` says. */
  readonly eventShape?: readonly number[];
  /** Trailing axes of the parameters that form one event. Default: min(1, their rank). Not together with `eventShape`. */
  readonly eventRank?: number;
}

/** A parameter: a number, or a float32 tensor that stays the caller's. */
export type Parameter = number | Tensor;

/**
 * The batch and event shape of a family from its parameters, which broadcast with each other to [...batch, ...event].
 *
 * @throws where one is neither a finite number nor a float32 tensor, where they do not broadcast, for a wrong event shape or
 * rank.
 */
export function parameterShapes(
  where: string,
  parameters: Readonly<Record<string, unknown>>,
  { eventShape, eventRank }: ParameterShapeOptions,
): { batchShape: number[]; eventShape: number[] } {
  let full: number[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    if (typeof value === 'number') {
      checkNumber(where, `options.${name}`, value);
    } else {
      checkEvent(where, `options.${name}`, value, []);
      full = broadcastShapes(where, full, value.shape);
    }
  }
  if (eventShape === undefined) {
    return splitAxes(where, full, eventRank);
  }
  checkEventShape(where, eventShape);
  if (eventRank !== undefined) {
    throw invalid(where, 'options.eventRank', 'left out where eventShape is given', eventRank);
  }
  const spread = broadcastShapes(where, full, eventShape);
  const batchShape = spread.slice(0, spread.length - eventShape.length);
  if (spread.slice(batchShape.length).some((size, i) => size !== eventShape[i])) {
    throw invalid(where, 'options.eventShape', `the last axes of the parameters' shape [${full.join(', ')}]`, eventShape);
  }
  return { batchShape, eventShape: [...eventShape] };
}

/** The batch and event shape that make up `full`, by the number of event axes. */
export function splitAxes(
  where: string,
  full: readonly number[],
  eventRank: number = Math.min(1, full.length),
): { batchShape: number[]; eventShape: number[] } {
  checkInteger(where, 'options.eventRank', eventRank, 0);
  if (eventRank > full.length) {
    throw invalid(where, 'options.eventRank', `at most the rank of the parameters, ${full.length}`, eventRank);
  }
  return { batchShape: full.slice(0, full.length - eventRank), eventShape: full.slice(full.length - eventRank) };
}

/** Throws unless `eventShape` is a list of sizes. */
export function checkEventShape(where: string, eventShape: unknown): asserts eventShape is readonly number[] {
  if (!Array.isArray(eventShape)) {
    throw invalid(where, 'options.eventShape', 'a list of sizes', eventShape);
  }
  eventShape.forEach((size, i) => {
    checkInteger(where, `options.eventShape[${i}]`, size, 1);
  });
}

/** A parameter as a tensor that a call sees: constant where the call is frozen. @throws where it was disposed meanwhile. */
export function parameterAt(where: string, value: Parameter, call: { readonly frozen?: boolean }): Tensor {
  if (typeof value === 'number') {
    return scalar(value);
  }
  if (value.isDisposed) {
    throw invalid(where, 'each of its parameters', 'a tensor in use', value);
  }
  return own(value, call);
}
