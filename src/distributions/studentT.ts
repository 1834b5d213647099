import type { GradSaveFunc, Tensor } from '@tensorflow/tfjs-core';
import {
  abs,
  add,
  customGrad,
  div,
  exp,
  log,
  maximum,
  minimum,
  mul,
  reciprocal,
  sign,
  sqrt,
  square,
  sub,
} from '@tensorflow/tfjs-core';
import type { CallOptions } from '../core/bijector.js';
import type { Distribution } from '../core/distribution.js';
import { checkNumber } from '../core/errors.js';
import { digammaStep, logGammaStep } from '../core/gammaStep.js';
import { LOG_TWO_PI, softplusExact } from '../core/math.js';
import { oneMinusExpRatio } from '../core/oneMinusExp.js';
import type { Parameter } from '../core/parameterShapes.js';
import { parameterAt } from '../core/parameterShapes.js';
import type { ScaleOptions, StandardDensity } from './locationScale.js';
import { checkScaleOptions, locationScale } from './locationScale.js';

/** What `studentT` takes: `df` and `location` with `logScale` or `scale`; or `df` and `trainable` with an `eventShape`. */
export interface StudentTOptions extends ScaleOptions {
  /** Degrees of freedom, above 0 (of tensors this is not checked, since that would mean reading them); broadcasts with the others. */
  readonly df: Parameter;
  /** Broadcasts with the scale to [...batch, ...event]. */
  readonly location?: Parameter;
}

/**
 * Independent Student t distributions with v = df degrees of freedom: x = location + scale z.
 *
 * log p(x) = sum over the event of log Gamma((v + 1) / 2) - log Gamma(v / 2) - log(v pi) / 2 - (v + 1) / 2 log(1 + z^2 / v) - log scale,
 * z = (x - location) / scale, in nats, for any df: neither does the difference of the log-gammas cancel where df is large, nor z^2
 * overflow. The mode is `location`, and so is the mean where df is above 1 (with a number for df of at most 1 there is no `mean`; of
 * tensors it is not checked). Entropy by digamma functions; no formula is known for the KL divergence.
 *
 * Draws are reparameterised in location, scale and df alike: z = n sqrt((e^y - 1) / y), y = (n^2 + m^2) / v, with standard normals n and
 * m. There is no rejection, and so no loop. Below a df of 0.2 draws may overflow float32, as the distribution itself does.
 *
 * Shapes: parameters [...batch, ...event], draws [...shape, ...batch, ...event], log-probabilities [...batch]. Given tensors stay the
 * caller's; with `trainable` the distribution has its own `location` and `logScale`, while df stays what is given.
 *
 * @throws where df, location or scale is missing, both scales are given, parameters are neither numbers nor float32 tensors or do
 * not broadcast, a number for df or the scale is not above 0, for a wrong eventShape or eventRank, an unknown option.
 * Source: Bailey 1994, "Polar generation of random variates with the t-distribution", for the draws.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { studentT } from 'tfjs-flows';
 *
 * const p = studentT({ df: 3, location: tf.tensor1d([0, 1]), scale: 2 });
 * console.log(p.logProb(tf.tensor1d([0, 5])).dataSync()[0]!.toFixed(4)); // => -5.0827
 * console.log(p.entropy!().dataSync()[0]!.toFixed(4)); // => 4.9332
 * ```
 */
export function studentT(options: StudentTOptions): Distribution {
  checkScaleOptions('studentT', 'location', options, 'df');
  const { df, ...rest } = options;
  if (typeof df === 'number') {
    checkNumber('studentT', 'options.df', df, { above: 0 });
  }
  const { mean, ...distribution } = locationScale('studentT', standardStudentT(df), rest);
  return typeof df === 'number' && df <= 1 ? distribution : { ...distribution, mean: mean as () => Tensor };
}

function standardStudentT(df: Parameter): StandardDensity {
  const at = (call: CallOptions): Tensor => parameterAt('studentT', df, call);
  return {
    location: 'location',
    noise: (rng, size, call) => {
      const [n, m] = [rng.normal(size), rng.normal(size)];
      const y = div(add(square(n), square(m)), at(call));
      // sqrt((e^y - 1) / y), whose root is taken before e^y can overflow.
      return mul(n, mul(exp(mul(y, 0.5)), sqrt(oneMinusExpRatio(y))));
    },
    logDensity: (z, call) => {
      const v = at(call);
      const kernel = mul(mul(add(v, 1), 0.5), logOnePlusSquare(div(z, sqrt(v))));
      return sub(logGammaStep(mul(v, 0.5)), kernel);
    },
    // log Gamma((v + 1) / 2) - log Gamma(v / 2) - log(v pi) / 2 = logGammaStep(v / 2) - log(2 pi) / 2.
    logConstant: -0.5 * LOG_TWO_PI,
    entropy: 0.5 * LOG_TWO_PI,
    shape: { df },
    shapeEntropy: (call) => {
      const v = at(call);
      const half = mul(v, 0.5);
      return sub(mul(add(half, 0.5), digammaStep(half)), logGammaStep(half));
    },
  };
}

/** log(1 + w^2), for any w that float32 has. */
function logOnePlusSquare(w: Tensor): Tensor {
  return customGrad((input, save) => {
    const at = input as Tensor;
    (save as GradSaveFunc)([at]);
    return {
      value: softplusExact(mul(log(maximum(abs(at), TINY)), 2)),
      // 2 w / (1 + w^2), which is the same at 1 / w.
      gradFunc: (dy: Tensor, [at]: Tensor[]) => {
        const size = abs(at as Tensor);
        const e = minimum(size, reciprocal(maximum(size, 1)));
        return mul(mul(dy, sign(at as Tensor)), div(mul(e, 2), add(square(e), 1)));
      },
    };
  })(w);
}

/** Its square is 0 in float32, and its logarithm finite. */
const TINY = 1e-30;
