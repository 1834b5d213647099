import { KINDS } from '../affine/affine.js';
import {
  affineFactor,
  affineForward,
  affineInverse,
  affineScaleGradient,
  affineShiftGradient,
  GATE,
  logScale,
  logScaleSlope,
} from '../affine/math.js';
import type { Arithmetic, DifferentiatedElement, ElementTransformer } from '../elementTransformer.js';
import type { Columns } from '../lanes.js';
import type { TransformerAttributes } from '../transformer.gradient.js';
import type { LogisticMixtureAttributes } from './logisticMixture.js';
import { bracket, differentiate, evaluate, improve, logit, logSlope, prepare, propagate, SEARCH, STEPS, slope } from './math.js';

type Attributes = LogisticMixtureAttributes & TransformerAttributes;

/** `math.ts` for one element. */
export const logisticMixtureElement: ElementTransformer<Attributes> = {
  key: ({ components, floor, after, inverse }) => `${components} ${floor} ${JSON.stringify(after)} ${inverse}`,
  forward: (arithmetic, x, parameters, { components: K, floor, after, inverse }) => {
    const o = arithmetic.lanes;
    const [mixture, sums] = [mixtureOf(arithmetic, parameters, K, floor), nothing(arithmetic)];
    const code = after === undefined ? 0 : KINDS.indexOf(after.kind);
    const [shift, s] =
      after === undefined
        ? [o.constant(0), o.constant(0)]
        : [parameters.at(3 * K), logScale(o, parameters.at(3 * K + 1), code, after.offset, after.minimum, after.maximum)];
    const isGate = code === GATE;
    if (inverse) {
      const y = after === undefined ? x : affineInverse(o, x, shift, s, isGate);
      const point = arithmetic.stored(root(arithmetic, y, mixture, K));
      evaluate(o, point, mixture, K, sums);
      return [point, o.neg(o.add(logSlope(o, sums, false), s))];
    }
    evaluate(o, x, mixture, K, sums);
    const y = logit(o, sums);
    return [after === undefined ? y : affineForward(o, y, shift, s, isGate), o.add(logSlope(o, sums, false), s)];
  },
  backward: <F>(arithmetic: Arithmetic<F>, element: DifferentiatedElement<F>, attributes: Attributes) => {
    const { components: K, floor, after, inverse } = attributes;
    const { x: given, y, parameters } = element;
    const o = arithmetic.lanes;
    const [sums, partials] = [nothing(arithmetic), nothing(arithmetic)];
    const mixture = mixtureOf(arithmetic, parameters, K, floor);
    const point = inverse ? y : given;
    evaluate(o, point, mixture, K, sums);
    const slopeOfL = differentiate(o, point, mixture, K, sums, false, partials);
    let [g, h] = [element.byValue, element.byLogDerivative];
    if (inverse) {
      // x(y) and -l(x): by the theorem of implicit functions, what changes y at a given x changes x by -1 / slope of that.
      g = o.div(o.sub(o.mul(h, slopeOfL), g), o.max(o.constant(1e-30), slope(o, sums, false)));
      h = o.neg(h);
    }
    let outer = inverse ? o.neg(g) : g;
    const ofAffine: F[] = [];
    if (after !== undefined) {
      // The affine map comes after the mixture, or before its inverse.
      const code = KINDS.indexOf(after.kind);
      const [shift, raw] = [parameters.at(3 * K), parameters.at(3 * K + 1)];
      const s = logScale(o, raw, code, after.offset, after.minimum, after.maximum);
      const through = o.mul(outer, affineFactor(o, s, inverse));
      const from = inverse ? given : logit(o, sums);
      const byScale = affineScaleGradient(o, from, shift, through, element.byLogDerivative, inverse, code === GATE);
      const slopeOfScale = logScaleSlope(o, raw, s, code, after.offset, after.minimum, after.maximum);
      ofAffine.push(affineShiftGradient(o, outer, through, inverse, code === GATE), o.mul(byScale, slopeOfScale));
      outer = through;
    }
    const byX = propagate(o, point, mixture, K, partials, inverse ? g : outer, h);
    const each = Array.from({ length: 3 * K }, (_, p) =>
      // Below the floor of the log-scales no gradient comes.
      p < 2 * K ? partials.at(p) : o.ifAtLeast(parameters.at(p), o.constant(floor), partials.at(p), o.constant(0)),
    );
    return { x: inverse ? outer : byX, parameters: [...each, ...ofAffine] };
  },
};

const nothing = <F>({ columns }: Arithmetic<F>): Columns<F> =>
  columns((p) => {
    throw new Error(`there is no column ${p}`);
  });

/** What `prepare` makes of the parameters, which stay as they are. */
function mixtureOf<F>({ lanes, columns }: Arithmetic<F>, parameters: Columns<F>, K: number, floor: number): Columns<F> {
  const mixture = columns((p) => parameters.at(p));
  prepare(lanes, mixture, K, floor);
  return mixture;
}

/** Where the mixture's logit is y. */
function root<F>(arithmetic: Arithmetic<F>, y: F, mixture: Columns<F>, K: number): F {
  const { lanes, repeat, columns } = arithmetic;
  const begun = nothing(arithmetic);
  const held = (x: F, search: Columns<F>): F[] => [x, ...Array.from({ length: SEARCH }, (_, p) => search.at(p))];
  const first = held(bracket(lanes, y, mixture, K, begun), begun);
  return repeat(STEPS, first, ([x, ...before]) => {
    const [sums, search] = [nothing(arithmetic), columns((p) => before[p] as F)];
    evaluate(lanes, x as F, mixture, K, sums);
    return held(improve(lanes, x as F, y, sums, false, search), search);
  })[0] as F;
}
