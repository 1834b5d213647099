import type { Arithmetic, ElementTransformer } from '../elementTransformer.js';
import type { Columns } from '../lanes.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { curve, curveGradient, logDerivative, rawAt, rawSize, spline, splineGradient } from './math.js';
import type { SplineAttributes } from './spline.js';
import { BOUNDARIES } from './spline.js';

type Attributes = SplineAttributes & TransformerAttributes;

/** `math.ts` for one element. */
export const splineElement: ElementTransformer<Attributes> = {
  key: ({ bins, bound, boundary, minBinWidth, minBinHeight, minDerivative, isBounded, offset, inverse }) =>
    `${bins} ${bound} ${boundary} ${minBinWidth} ${minBinHeight} ${minDerivative} ${isBounded} ${offset} ${inverse}`,
  forward: (arithmetic, x, parameters, attributes) => {
    const o = arithmetic.lanes;
    const { bins, bound, isBounded, minBinWidth, minBinHeight, minDerivative, offset, inverse } = attributes;
    const boundary = BOUNDARIES.indexOf(attributes.boundary);
    const memory = memoryOf(arithmetic, parameters, bins);
    curve(o, memory, bins, boundary, isBounded, bound, minBinWidth, minBinHeight);
    const y = spline(o, memory, x, inverse, bins, boundary, isBounded, bound, minDerivative, offset);
    return [y, logDerivative(memory, bins)];
  },
  backward: (arithmetic, { x, parameters, byValue, byLogDerivative }, attributes) => {
    const o = arithmetic.lanes;
    const { bins, bound, isBounded, minBinWidth, minBinHeight, minDerivative, offset, inverse } = attributes;
    const boundary = BOUNDARIES.indexOf(attributes.boundary);
    const memory = memoryOf(arithmetic, parameters, bins);
    curve(o, memory, bins, boundary, isBounded, bound, minBinWidth, minBinHeight);
    const by = splineGradient(
      ...([o, memory, x, byValue, byLogDerivative] as const),
      ...([inverse, bins, boundary, isBounded, bound, minDerivative, offset] as const),
    );
    curveGradient(o, memory, bins, boundary, isBounded, bound, minBinWidth, minBinHeight);
    return { x: by, parameters: Array.from({ length: rawSize(bins, boundary) }, (_, p) => memory.at(rawAt(bins) + p)) };
  },
};

/** The parameters where the mathematics looks for them. */
const memoryOf = <F>(arithmetic: Arithmetic<F>, parameters: Columns<F>, bins: number): Columns<F> =>
  arithmetic.columns((p) => parameters.at(p - rawAt(bins)));
