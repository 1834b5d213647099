import { radial } from 'tfjs-flows';
import { tensorOf } from '../cases.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';

const TOLERANCE = 1e-5;

/** Radial flows with given parameters. */
export const radialAdapter: Adapter = async ({ inputs, expected }, check) => {
  const center = tensorOf(inputs, 'z0');
  const given = { center, rawAlpha: tensorOf(inputs, 'alpha_raw'), rawBeta: tensorOf(inputs, 'beta_raw') };
  const flow = radial({ dim: center.shape[0] as number, given, constraint: 'original' });
  const [y, logDet] = flow.forwardAndLogDet(tensorOf(inputs, 'x'));
  await check.near('y', y, TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE);
  await checkRoundTrip(check, flow, tensorOf(expected, 'y'), TOLERANCE);
  check.aside('a distance between the inputs', 'r');
  check.aside('constrained parameters, which are seen in y and logDet alone', 'alpha', 'beta');
};
