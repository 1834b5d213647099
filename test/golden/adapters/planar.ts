import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, add, div, exp, expandDims, fill, max, maximum, minimum, mul, norm, sub, sum, zeros } from '@tensorflow/tfjs-core';
import type { Bijector } from 'tfjs-flows';
import { planar } from 'tfjs-flows';
import { arrayOf, tensorOf } from '../cases.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';

const TOLERANCE = 1e-5;

/** Planar flows with given parameters, of one map or of a row each. */
export const planarAdapter: Adapter = async ({ params, inputs, expected }, check) => {
  const activation = activationOf(params.act, params.negative_slope);
  const u = tensorOf(inputs, 'u');
  const w = tensorOf(inputs, 'w');
  const batch = u.shape.slice(0, -1);
  const dim = u.shape[u.rank - 1] as number;
  const make = (b: Tensor): Bijector => planar({ dim, given: { u, w, b }, constraint: 'original', activation });

  const flow = make(tensorOf(inputs, 'b', batch));
  const x = tensorOf(inputs, 'x');
  const [y, logDet] = flow.forwardAndLogDet(x);
  await check.near('y', y, TOLERANCE);
  await check.near('logDet', logDet, logDetTolerance(activation, Math.min(...arrayOf(expected, 'w_dot_u').data)));

  // Where h is 1, a flow takes 0 to uHat.
  const uHat = make(fill(batch, activation === 'tanh' ? 20 : 1)).forward(zeros([...batch, dim]));
  await check.near('u_hat', uHat, TOLERANCE);

  await checkRoundTrip(check, flow, y, TOLERANCE);
  // An error in y is one of up to 1 + |uHat| |w| / det times its size in x.
  const amplified = add(1, div(mul(norm(uHat, 'euclidean', -1), norm(w, 'euclidean', -1)), minimum(exp(logDet), 1)));
  const bound = mul(expandDims(amplified, -1), add(1, maximum(max(abs(x)), max(abs(y)))));
  check.small('inverse(y) against x', (await max(div(abs(sub(flow.inverse(y), x)), bound)).data())[0] as number, TOLERANCE);
  if ('w_dot_u_hat' in expected) {
    await check.near('w_dot_u_hat', sum(mul(w, uHat), -1), TOLERANCE);
  }
  check.aside('a product of the inputs', 'w_dot_u');
};

/** The activation of published parameters, by the names that normflows has for them. */
export function activationOf(name: unknown, slope?: unknown): 'tanh' | 'leakyRelu' {
  if (name === 'tanh') {
    return 'tanh';
  }
  if (name === 'leaky_relu' && (slope === undefined || slope === 0.2)) {
    return 'leakyRelu';
  }
  throw unknown('activation', { name, slope });
}

/** Near the bound of the constraint, 1 + w . uHat is as small as its rounding. */
function logDetTolerance(activation: 'tanh' | 'leakyRelu', wu: number): number {
  if (activation === 'leakyRelu') {
    return wu < -7 ? 5e-4 : TOLERANCE;
  }
  return wu < -19 ? 5e-5 : TOLERANCE;
}
