import { sinhArcsinh } from 'tfjs-flows';
import { tensorOf } from '../cases.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';

const TOLERANCE = 1e-5;

/** Sinh-arcsinh maps with given parameters. */
export const sinhArcsinhAdapter: Adapter = async ({ inputs, expected }, check) => {
  const given = { skew: tensorOf(inputs, 'skew'), rawTail: tensorOf(inputs, 'raw_tail') };
  const map = sinhArcsinh({ dim: given.skew.shape[0] as number, given });
  const [y, logDet] = map.forwardAndLogDet(tensorOf(inputs, 'x'));
  await check.near('y', y, TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE);
  await checkRoundTrip(check, map, tensorOf(expected, 'y'), TOLERANCE);
  check.aside('a constrained parameter, which is seen in y and logDet alone', 'tail');
};
