import { shaderColumns } from '../gpu/shader.js';
import type { GpuTransformer } from '../gpu/transformRows.gpu.js';
import type { Columns } from '../lanes.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import { curve, curveGradient, logDerivative, rawAt, rawSize, spline, splineGradient } from './math.js';
import type { SplineAttributes } from './spline.js';
import { BOUNDARIES } from './spline.js';

type Attributes = SplineAttributes & TransformerAttributes;

/** `math.ts` for the texts of shaders. */
export const gpuSpline: GpuTransformer<Attributes> = {
  key: ({ bins, bound, boundary, minBinWidth, minBinHeight, minDerivative, isBounded, offset, inverse }) =>
    `${bins} ${bound} ${boundary} ${minBinWidth} ${minBinHeight} ${minDerivative} ${isBounded} ${offset} ${inverse}`,
  forward: ({ lanes: o }, x, parameters, attributes) => {
    const { bins, bound, isBounded, minBinWidth, minBinHeight, minDerivative, offset, inverse } = attributes;
    const boundary = BOUNDARIES.indexOf(attributes.boundary);
    const memory = memoryOf(parameters, bins);
    curve(o, memory, bins, boundary, isBounded, bound, minBinWidth, minBinHeight);
    const y = spline(o, memory, x, inverse, bins, boundary, isBounded, bound, minDerivative, offset);
    return [y, logDerivative(memory, bins)];
  },
  backward: ({ shader: { lanes: o }, x, parameters, byValue, byLogDerivative }, attributes) => {
    const { bins, bound, isBounded, minBinWidth, minBinHeight, minDerivative, offset, inverse } = attributes;
    const boundary = BOUNDARIES.indexOf(attributes.boundary);
    const memory = memoryOf(parameters, bins);
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
const memoryOf = (parameters: Columns<string>, bins: number): Columns<string> =>
  shaderColumns((p) => parameters.at(p - rawAt(bins)));
