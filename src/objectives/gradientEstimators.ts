import type { Tensor } from '@tensorflow/tfjs-core';
import { clone, customGrad, dispose, exp, grad, keep, maximum, mul, reshape, sub, sum } from '@tensorflow/tfjs-core';
import type { Distribution, SampleOptions } from '../core/distribution.js';
import { checkInteger, invalid } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { sizeOf, sumTrailing } from '../core/shapes.js';
import { own, stopGradient } from '../core/stopGradient.js';
import { logMeanExp } from './logMeanExp.js';
import { solveLinear } from './solveLinear.js';

/**
 * How the gradient in the parameters of q is had from draws z = z(noise; parameters). Values are the same, and so are expectations:
 *
 * - 'reparameterised': that of the formula, through the draw and through log q;
 * - 'stickingTheLanding': log q holds its parameters constant, so only the path through the draw counts. What is left out has
 *   expectation 0 and no end of variance: with q exact nothing remains of it. The density is evaluated again at the draw, for a flow
 *   by its inverse. Roeder, Wu and Duvenaud 2017, "Sticking the landing";
 * - 'path': the same gradient without an inverse, for flows whose inverse is sequential or iterative: d log q / dz solves a linear
 *   system with the Jacobian of the draw in its noise, of which only products are needed (`pathIterations`). Vaitl, Nicoli,
 *   Nakajima and Kessel 2022, "Gradients should stay on path".
 */
export type GradientEstimator = 'reparameterised' | 'stickingTheLanding' | 'path';

/** What objectives that draw from q take. */
export interface GradientOptions<Estimator extends string = GradientEstimator> {
  /** Default 'reparameterised'. */
  readonly gradient?: Estimator;
  /**
   * For gradient: 'path': steps of the linear solver, each a pass forward and back. Default: the elements of an event, with which
   * it is exact but for rounding; where the whole way from the noise to z, scales
   * included, is near the identity a few will do.
   */
  readonly pathIterations?: number;
}

/** Throws for an estimator that is none of `known`, and for steps of a solver that is not there. */
export function checkGradient(
  where: string,
  { gradient, pathIterations }: GradientOptions<string>,
  known: readonly string[],
): void {
  if (gradient !== undefined && !known.includes(gradient)) {
    throw invalid(where, 'options.gradient', `one of ${known.map((name) => `'${name}'`).join(', ')}`, gradient);
  }
  if (pathIterations !== undefined) {
    if (gradient !== 'path') {
      throw invalid(where, 'options.pathIterations', "left out unless gradient is 'path'", pathIterations);
    }
    checkInteger(where, 'options.pathIterations', pathIterations, 1);
  }
}

/** Draws from q. */
export interface Drawn {
  /** [...shape, ...batch, ...event]. */
  readonly z: Tensor;
  /** log q(z), [...shape, ...batch]; whatever its gradient. */
  readonly logProb: Tensor;
  /** log q(z) with the estimator's gradient, for z itself or the same numbers with another gradient. */
  density(z: Tensor): Tensor;
}

/** Draws from q, and its log-density as the estimator differentiates it. */
export function drawFrom(
  where: string,
  q: Distribution,
  draw: SampleOptions & { readonly shape: readonly number[]; readonly rng: Rng },
  { gradient = 'reparameterised', pathIterations }: GradientOptions<string>,
): Drawn {
  if (gradient === 'path') {
    return drawAlongPath(where, q, draw, pathIterations);
  }
  const [z, logProb] = q.sampleAndLogProb(draw);
  if (gradient === 'reparameterised') {
    return { z, logProb, density: () => logProb };
  }
  const held = { frozen: true, ...contextOf(draw) };
  return { z, logProb, density: (at) => withGradientOf(logProb, q.logProb(at, held)) };
}

/** What q is conditioned on is a parameter of it as good as any. */
const contextOf = ({ context }: SampleOptions): { context?: Tensor } =>
  context === undefined ? {} : { context: own(context, { frozen: true }) };

/**
 * log q(z(e)) has the derivative J^T s in the noise e, with J = dz/de and the score s = d log q / dz, which is all that a path
 * gradient needs of log q: it is solved for by products with J^T.
 */
function drawAlongPath(
  where: string,
  q: Distribution,
  draw: SampleOptions & { readonly shape: readonly number[]; readonly rng: Rng },
  iterations: number | undefined,
): Drawn {
  const kept: Tensor[] = [];
  const record = (noise: Tensor): Tensor => {
    kept.push(keep(clone(noise)));
    return noise;
  };
  const { rng } = draw;
  const recording: Rng = {
    ...rng,
    normal: (shape) => record(rng.normal(shape)),
    uniform: (...of) => record(rng.uniform(...of)),
  };
  try {
    const [z, logProb] = q.sampleAndLogProb({ ...draw, rng: recording });
    const [noise] = kept as [Tensor];
    if (kept.length !== 1 || noise.size !== z.size) {
      const expected =
        "'reparameterised' or 'stickingTheLanding' for a distribution that does not draw one noise variable an element";
      throw invalid(where, 'options.gradient', expected, 'path');
    }
    const at = (e: Tensor): SampleOptions => ({ ...draw, rng: { ...rng, normal: () => clone(e), uniform: () => clone(e) } });
    const slope = grad((e) => sum(q.sampleAndLogProb(at(e))[1]))(noise);
    const size = sizeOf(q.eventShape);
    const rows = (x: Tensor): Tensor => reshape(x, [-1, size]);
    const timesJacobian = (v: Tensor): Tensor => rows(grad((e) => q.sample(at(e)))(noise, reshape(v, z.shape)));
    const score = stopGradient(reshape(solveLinear(timesJacobian, rows(slope), iterations ?? size), z.shape));
    return { z, logProb, density: (path) => withGradientOf(logProb, sumTrailing(mul(score, path), q.eventShape.length)) };
  } finally {
    dispose(kept);
  }
}

/** The numbers of `value` with the gradient of `surrogate`, which is of the same shape. */
export function withGradientOf(value: Tensor, surrogate: Tensor): Tensor {
  return customGrad(() => ({ value: clone(value), gradFunc: (dy: Tensor) => dy }))(surrogate);
}

/** z, whose gradient comes back times the weights: z [...batch, ...event], weights [...batch]. */
export function scaleGradient(z: Tensor, weights: Tensor): Tensor {
  return customGrad((input, save) => {
    (save as (tensors: Tensor[]) => void)([weights]);
    const gradFunc = (dy: Tensor, [by]: Tensor[]): Tensor =>
      reshape(mul(reshape(dy, [weights.size, -1]), reshape(by as Tensor, [weights.size, 1])), dy.shape);
    return { value: clone(input as Tensor), gradFunc };
  })(z);
}

/** Where every weight is zero so is every share: 0, not NaN. */
const LEAST = -1e38;

/** w_s / sum_s w_s over the first axis, from log w. */
export function normalisedWeights(logWeights: Tensor): Tensor {
  const most = maximum(logMeanExp(logWeights), LEAST);
  return mul(exp(sub(logWeights, most)), 1 / (logWeights.shape[0] as number));
}
