import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape } from '@tensorflow/tfjs-core';
import type { BijectorSpec, CallOptions } from './bijector.js';
import { batchShapeOf, sizeOf } from './shapes.js';
import { spreadTo } from './spreadTo.js';

/**
 * The same bijector, whose formulas see at most two batch axes: more are made one for them.
 *
 * For formulas whose intermediates have more axes than x: backends end at four to six, some of them without a word. Not for those
 * that use tensors with batch axes of their own.
 */
export function oneBatchAxis(spec: BijectorSpec): BijectorSpec {
  const wrap =
    <Results extends Tensor[]>(formula: (x: Tensor, call: CallOptions) => Results, eventRank: number): typeof formula =>
    (x, call) => {
      const batch = batchShapeOf(x, eventRank);
      if (batch.length <= 2) {
        return formula(x, call);
      }
      const results = formula(flatten(x, batch), flattenCall(call, batch));
      return results.map((result) => reshape(result, [...batch, ...result.shape.slice(1)])) as Results;
    };
  const one = (formula: NonNullable<BijectorSpec['forward']>, eventRank: number): NonNullable<BijectorSpec['forward']> => {
    const wrapped = wrap((x, call) => [formula(x, call)], eventRank);
    return (x, call) => wrapped(x, call)[0] as Tensor;
  };
  const { forwardEvent, inverseEvent = forwardEvent } = spec;
  return {
    ...spec,
    forwardAndLogDet: wrap(spec.forwardAndLogDet, forwardEvent.length),
    inverseAndLogDet: wrap(spec.inverseAndLogDet, inverseEvent.length),
    ...(spec.forward && { forward: one(spec.forward, forwardEvent.length) }),
    ...(spec.inverse && { inverse: one(spec.inverse, inverseEvent.length) }),
  };
}

const flatten = (x: Tensor, batch: readonly number[]): Tensor => reshape(x, [sizeOf(batch), ...x.shape.slice(batch.length)]);

function flattenCall(call: CallOptions, batch: readonly number[]): CallOptions {
  const { context } = call;
  return context === undefined ? call : { ...call, context: spread(context, batch) };
}

/** The context of every row. */
const spread = (context: Tensor, batch: readonly number[]): Tensor => {
  const size = context.shape.at(-1) as number;
  return reshape(spreadTo(context, [...batch, size]), [sizeOf(batch), size]);
};
