import type { Tensor } from '@tensorflow/tfjs-core';
import { eye, mul, reshape, squeeze, sum } from '@tensorflow/tfjs-core';
import { checkHidden } from '../conditioners/defineConditioner.js';
import type { Bijector, CallOptions } from '../core/bijector.js';
import { defineBijector } from '../core/bijector.js';
import { checkChoice } from '../core/checkChoice.js';
import { checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';
import { oneBatchAxis } from '../core/oneBatchAxis.js';
import { randomSigns } from '../core/randomSigns.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { OdeProblem } from './ode.js';
import { DOPRI5, integrate, RK4 } from './ode.js';
import type { Jacobian } from './vectorField.js';
import { push, vectorField } from './vectorField.js';

/** What `continuousFlow` takes. */
export interface ContinuousFlowOptions {
  /** Size D of an event. */
  readonly dim: number;
  /** Sizes of the hidden layers of the field's network, at least one. */
  readonly hidden: readonly number[];
  /** Of the network: 'tanh' (default) or 'softplus'. Smooth, since its derivative is integrated. */
  readonly activation?: 'tanh' | 'softplus';
  /** Size of a context that the field depends on. Default 0: takes none. */
  readonly contextDim?: number;
  /** 'dopri5' (default), of fifth order with six evaluations of the field a step, or 'rk4', of fourth order with four. */
  readonly solver?: 'dopri5' | 'rk4';
  /** Steps from one end to the other or, with a tolerance, attempts at one. Default 16. */
  readonly steps?: number;
  /**
   * Makes the steps of each example of a size of its own, such that the estimated error of a step in x is at most tolerance (1 + |x|).
   * Needs 'dopri5'. Default: steps of equal size.
   */
  readonly tolerance?: number;
  /** The trace of the Jacobian: 'exact' (default), by D products with it, or 'hutchinson', an unbiased estimate by one. */
  readonly trace?: 'exact' | 'hutchinson';
  /** Draws the initial values and, for calls without a source of their own, the noise of 'hutchinson'. */
  readonly rng?: Rng;
}

/**
 * Continuous normalizing flow: x(0) = x, dx/dt = f(t, x(t), context), y = x(1), where f is a network.
 *
 * log|det dy/dx| is the integral of tr(df/dx) along the path, by the same steps as x. The inverse goes back from t = 1 to t = 0. The
 * network starts at zero, and so the flow as the identity. Its layers are h = act(h W + t tau + b), with + context C in the first:
 * parameters `hidden0.kernel`, `hidden0.bias`, `hidden0.time`, `hidden0.context`, ..., `output.kernel`, `output.bias`, `output.time`.
 *
 * The solution is computed by an explicit Runge-Kutta method, on the device throughout, so that the inverse is one up to the method's
 * error, which falls with steps^-5 ('dopri5') or steps^-4 ('rk4'), down to the rounding of float32. With D = 2, parameters of scale 1,
 * |x| <= 3 and one hidden layer of 4, the default's largest error in 48 draws was 7e-7 in y, 4e-7 for a round trip and 6e-6 in the
 * log-det; with two layers of 16, whose field is ten times as steep, 3e-4, 3e-4 and 5e-3, and with 32 steps 8e-6, 7e-6 and 2e-4.
 *
 * A tolerance puts the steps where they are needed: smaller where x is estimated to be off by more, twice as large as equal ones at
 * most. That is worth it for a field that is steep or sudden somewhere: the path of dx/dt = -8 x^3 from 2 ends 2e-6 from the truth with
 * 24 attempts at 1e-5, and nowhere with 24 equal steps; for a smooth field equal steps are as good. It makes nothing cheaper: without a
 * look by the host the number of attempts is fixed, and `steps` is that number. An example that has none to spare makes the rest of its
 * way in the largest steps, whatever their error. Errors of the log-det are not watched, so that x is the same with it and without;
 * they were ten to a hundred times those of x. Below 1e-6 it is rounding that is seen.
 *
 * Gradients are those of the steps made (discretise, then optimise), their sizes held constant; memory grows with `steps`.
 *
 * Under 'hutchinson' the log-det is the integral of e . (df/dx) e, with signs e drawn once a call for each example: unbiased, with
 * unbiased gradients, and different at every call; the trace costs one product instead of D. `forward` and `inverse` compute none.
 *
 * Shapes: x and y [...batch, D], log-det [...batch], context [...batch, contextDim]. Both directions iterative.
 *
 * @throws for wrong sizes, an unknown option or word, a tolerance that is not positive or without 'dopri5'; at a call for a wrong
 * shape.
 * Source: Chen et al. 2018, "Neural ordinary differential equations", section 4; Grathwohl et al. 2019, "FFJORD", section 3.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { continuousFlow, createRng } from 'tfjs-flows';
 * import { randomizeParameters } from 'tfjs-flows/testing';
 *
 * const rng = createRng(0);
 * const flow = continuousFlow({ dim: 2, hidden: [8], rng });
 * randomizeParameters(flow, { rng });
 * const x = tf.tensor2d([[0.5, -1]]);
 * const [y, logDet] = flow.forwardAndLogDet(x);
 * console.log(y.shape, logDet.shape); // => [ 1, 2 ] [ 1 ]
 * console.log(tf.max(tf.abs(tf.sub(flow.inverse(y), x))).dataSync()[0]! < 1e-5); // => true
 * ```
 */
export function continuousFlow(options: ContinuousFlowOptions): Bijector {
  const { tableau, steps, tolerance, trace, rng, ...network } = checked(options);
  const field = vectorField({ ...network, time: true, rng });

  const solve = (direction: OdeProblem['direction'], x: Tensor, call: CallOptions, traceOf?: Trace): Tensor[] => {
    const f = field.at(call);
    return integrate({
      field: (time, at) => {
        if (traceOf === undefined) {
          return [f.evaluate(at, time)];
        }
        const linear = f.linearize(at, time);
        return [linear.value, traceOf(linear)];
      },
      x,
      direction,
      tableau,
      steps,
      tolerance,
    });
  };
  const withLogDet = (direction: OdeProblem['direction'], x: Tensor, call: CallOptions): [Tensor, Tensor] => {
    const traceOf = trace === 'exact' ? exactTrace(x) : estimatedTrace(randomSigns(call.rng ?? rng, x.shape));
    const [y, logDet] = solve(direction, x, call, traceOf) as [Tensor, Tensor];
    return [y, squeeze(logDet, [-1])];
  };

  return defineBijector(
    oneBatchAxis({
      name: 'continuousFlow',
      forwardEvent: [network.dim],
      forwardCost: 'iterative',
      inverseCost: 'iterative',
      contextDim: network.contextDim,
      parts: { '': field },
      forwardAndLogDet: (x, call) => withLogDet('forward', x, call),
      inverseAndLogDet: (y, call) => withLogDet('backward', y, call),
      forward: (x, call) => solve('forward', x, call)[0] as Tensor,
      inverse: (y, call) => solve('backward', y, call)[0] as Tensor,
    }),
  );
}

/** tr J: [...batch, 1]. */
type Trace = (jacobian: Jacobian) => Tensor;

/** The sum of e . J e over the basis, whose vectors are pushed together. */
function exactTrace(x: Tensor): Trace {
  const dim = x.shape.at(-1) as number;
  const basis = reshape(eye(dim), [dim, ...Array(x.rank - 1).fill(1), dim]);
  return (jacobian) => sum(sum(mul(push(jacobian, basis), basis), 0), -1, true);
}

/** e . J e. */
const estimatedTrace =
  (signs: Tensor): Trace =>
  (jacobian) =>
    sum(mul(push(jacobian, signs), signs), -1, true);

type Checked = Required<Omit<ContinuousFlowOptions, 'solver' | 'tolerance'>> & Pick<OdeProblem, 'tableau' | 'tolerance'>;

function checked(options: ContinuousFlowOptions): Checked {
  const where = 'continuousFlow';
  const known = ['dim', 'hidden', 'activation', 'contextDim', 'solver', 'steps', 'tolerance', 'trace', 'rng'];
  checkOptions(where, options, known);
  const { dim, hidden, activation = 'tanh', contextDim = 0, solver = 'dopri5', steps = 16, tolerance, trace = 'exact' } = options;
  checkInteger(where, 'options.dim', dim, 1);
  checkHidden(where, hidden, 1);
  checkChoice(where, 'options.activation', activation, ['tanh', 'softplus']);
  checkInteger(where, 'options.contextDim', contextDim, 0);
  checkChoice(where, 'options.solver', solver, Object.keys(SOLVERS));
  checkInteger(where, 'options.steps', steps, 1);
  checkChoice(where, 'options.trace', trace, ['exact', 'hutchinson']);
  if (tolerance !== undefined) {
    checkNumber(where, 'options.tolerance', tolerance, { above: 0 });
    if (solver !== 'dopri5') {
      throw invalid(where, 'options.tolerance', "left out where the solver is not 'dopri5'", tolerance);
    }
  }
  const { rng = createRng() } = options;
  return { dim, hidden, activation, contextDim, steps, trace, tolerance, tableau: SOLVERS[solver], rng };
}

const SOLVERS = { dopri5: DOPRI5, rk4: RK4 } as const;
