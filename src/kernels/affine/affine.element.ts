import type { ElementTransformer } from '../elementTransformer.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import type { AffineAttributes } from './affine.js';
import { KINDS } from './affine.js';
import {
  affineFactor,
  affineForward,
  affineInverse,
  affineScaleGradient,
  affineShiftGradient,
  GATE,
  logScale,
  logScaleSlope,
} from './math.js';

/** `math.ts` for one element. */
export const affineElement: ElementTransformer<AffineAttributes & TransformerAttributes> = {
  key: ({ kind, offset, minimum, maximum, inverse }) => `${kind} ${offset} ${minimum} ${maximum} ${inverse}`,
  forward: ({ lanes: o }, x, parameters, { kind, offset, minimum, maximum, inverse }) => {
    const code = KINDS.indexOf(kind);
    const s = logScale(o, parameters.at(1), code, offset, minimum, maximum);
    const y = (inverse ? affineInverse : affineForward)(o, x, parameters.at(0), s, code === GATE);
    return [y, inverse ? o.neg(s) : s];
  },
  backward: ({ lanes: o }, { x, parameters, byValue, byLogDerivative }, attributes) => {
    const { kind, offset, minimum, maximum, inverse } = attributes;
    const code = KINDS.indexOf(kind);
    const isGate = code === GATE;
    const [shift, raw] = [parameters.at(0), parameters.at(1)];
    const s = logScale(o, raw, code, offset, minimum, maximum);
    const through = o.mul(byValue, affineFactor(o, s, inverse));
    const byScale = affineScaleGradient(o, x, shift, through, byLogDerivative, inverse, isGate);
    return {
      x: through,
      parameters: [
        affineShiftGradient(o, byValue, through, inverse, isGate),
        o.mul(byScale, logScaleSlope(o, raw, s, code, offset, minimum, maximum)),
      ],
    };
  },
};
