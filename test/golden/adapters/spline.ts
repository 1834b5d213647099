import type { Tensor } from '@tensorflow/tfjs-core';
import { abs, max, reshape, sub, tensor2d, zeros } from '@tensorflow/tfjs-core';
import type { Bijector, RationalQuadraticSplineOptions } from 'tfjs-flows';
import { chain, rationalQuadraticSpline, scaleShift } from 'tfjs-flows';
import type { GoldenCase } from '../cases.js';
import { tensorOf } from '../cases.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';

/** Splines with given parameters, one for each x: every element is an event of its own. */
export const splineAdapter: Adapter = async (golden, check) => {
  const { name, inputs, expected } = golden;
  // Where the name tells of parameters at a scale above 1, the splines have slopes of 1000.
  const wild = /_s[2-9]/.test(name);
  const spline = splineOf(golden);
  const element = (value: Tensor): Tensor => reshape(value, [-1, 1]);
  const x = tensorOf(inputs, 'x');
  const [result, logDet] = spline.forwardAndLogDet(element(x));
  const y = reshape(result, x.shape);
  await check.near('y', y, 2e-5);
  await check.near('logDet', logDet, wild ? 5e-4 : 2e-4);
  if ('x_from_y' in expected) {
    const [back, inverseLogDet] = spline.inverseAndLogDet(element(tensorOf(inputs, 'y_for_inverse')));
    await check.near('x_from_y', reshape(back, x.shape), 2e-4);
    await check.near('logDet_inverse', inverseLogDet, wild ? 1e-2 : 2e-4);
  }
  if ('max_abs_deviation_from_identity' in expected) {
    await check.near('max_abs_deviation_from_identity', max(abs(sub(y, x))), 2e-5);
  }
  if ('knots_x' in expected) {
    check.aside('on the way to the results', 'knots_x', 'knots_y', 'knot_derivatives');
  }
  await check.agree('forward(inverse(y)) against y', spline.forward(spline.inverse(result)), result, 2e-5);
};

function splineOf({ params, inputs }: GoldenCase): Bijector {
  const bins = params.K as number;
  const given = (name: string): Tensor => {
    const value = tensorOf(inputs, name);
    return reshape(value, [-1, 1, value.shape[1] as number]);
  };
  const make = (options: Omit<RationalQuadraticSplineOptions, 'dim'>): Bijector =>
    rationalQuadraticSpline({ dim: 1, bins, constraint: 'original', ...options });
  const parameters = 'widths' in inputs && {
    widths: given('widths'),
    heights: given('heights'),
    derivatives: given('derivatives'),
  };
  if (parameters === false) {
    return zeroSpline(params, make);
  }
  if ('slope' in params) {
    return make({ bound: params.bound as number, constraint: 'bounded', given: parameters });
  }
  if (params.tails === 'linear') {
    const { min_bin_width: minBinWidth, min_bin_height: minBinHeight, min_derivative: minDerivative } = params;
    const minima = { minBinWidth, minBinHeight, minDerivative } as Record<string, number>;
    return make({ bound: params.tail_bound as number, ...minima, given: parameters });
  }
  if ('left' in params) {
    return onIntervals(params, (bound) => make({ bound, boundary: 'free', given: parameters }));
  }
  throw unknown('spline', params);
}

/** From [left, right] to [bottom, top] by way of our box around 0. */
function onIntervals(params: GoldenCase['params'], make: (bound: number) => Bijector): Bijector {
  const { left, right, bottom, top } = params as Record<string, number>;
  const bound = ((right as number) - (left as number)) / 2;
  if ((top as number) - (bottom as number) !== 2 * bound) {
    throw unknown('box', params);
  }
  const [x0, y0] = [((left as number) + (right as number)) / 2, ((bottom as number) + (top as number)) / 2];
  return chain([scaleShift({ shift: -x0, eventRank: 1 }), make(bound), scaleShift({ shift: y0, eventRank: 1 })]);
}

/** All-zero parameters, with the slopes that the case tells of at the ends. */
function zeroSpline(
  params: GoldenCase['params'],
  make: (options: Omit<RationalQuadraticSplineOptions, 'dim'>) => Bijector,
): Bijector {
  const bins = params.K as number;
  const beta = params.beta as number;
  const raw = (slope: number): number => Math.log(Math.expm1(slope - 0.001));
  const inner = Array.from({ length: bins - 1 }, () => raw(0.001 + Math.log(2) / beta));
  const end = raw(params.boundary_derivative as number);
  const derivatives = tensor2d([[end, ...inner, end]]);
  const given = { widths: zeros([1, bins]), heights: zeros([1, bins]), derivatives };
  return make({ bound: params.tail_bound as number, boundary: 'free', given });
}
