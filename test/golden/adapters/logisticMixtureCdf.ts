import type { Tensor } from '@tensorflow/tfjs-core';
import { add, clone, concat, expandDims, neg, reshape, sigmoid, slice, softplus, zeros } from '@tensorflow/tfjs-core';
import type { Bijector } from 'tfjs-flows';
import { coupling, logisticMixtureCdf, logisticMixtureTransformer } from 'tfjs-flows';
import type { GoldenCase } from '../cases.js';
import { arrayOf, tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';

const TOLERANCE = 1e-5;

/** The logit of a mixture's distribution function, for each element, and as the transformer of a coupling. */
export const logisticMixtureCdfAdapter: Adapter = async (golden, check) => {
  if ('shift' in golden.inputs) {
    await checkCoupling(golden, check);
  } else {
    await checkElements(golden, check);
  }
};

/** Every element is an event of its own; what is expected of F follows from its logit y: F = sigmoid(y), ln F = -softplus(-y). */
async function checkElements(golden: GoldenCase, check: Check): Promise<void> {
  const { inputs, expected } = golden;
  const bijector = elementwise(inputs);
  const x = tensorOf(inputs, 'x');
  const [logit, derivative] = bijector.forwardAndLogDet(reshape(x, [-1, 1]));
  const y = reshape(logit, x.shape);
  const logDerivative = reshape(derivative, x.shape);
  const logCdf = neg(softplus(neg(y)));
  const logSurvival = neg(softplus(y));
  const results: Record<string, Tensor> = {
    logit_cdf: y,
    log_dlogit: logDerivative,
    cdf: sigmoid(y),
    log_cdf: logCdf,
    log_survival: logSurvival,
    log_pdf: add(logDerivative, add(logCdf, logSurvival)),
  };
  for (const [path, result] of Object.entries(results)) {
    if (path in expected) {
      await check.near(path, result, TOLERANCE);
    }
  }
  await checkRoundTrip(check, bijector, logit, TOLERANCE);
  if ('x_from_y' in expected) {
    await checkInverse(golden, check, bijector);
  }
}

/** x as near as it can be told from y: where the map is flatter than 1, by what an error within the tolerance in y makes of it. */
async function checkInverse({ inputs, expected }: GoldenCase, check: Check, bijector: Bijector): Promise<void> {
  const y = arrayOf(inputs, 'y_for_inverse').data;
  const [x, inverseLogDet] = bijector.inverseAndLogDet(reshape(tensorOf(inputs, 'y_for_inverse'), [-1, 1]));
  const flatness = Array.from(await inverseLogDet.data(), Math.exp);
  const bounds = arrayOf(expected, 'x_from_y').data.map(
    (wanted, i) => TOLERANCE * Math.max(1 + Math.abs(wanted), (1 + Math.abs(y[i] as number)) * (flatness[i] as number)),
  );
  check.within('x_from_y', await x.data(), bounds);
}

function elementwise(inputs: GoldenCase['inputs']): Bijector {
  const { shape } = arrayOf(inputs, 'logits');
  const components = shape[shape.length - 1] as number;
  const given = (name: string): Tensor => reshape(tensorOf(inputs, name), [-1, 1, components]);
  return logisticMixtureCdf({
    dim: 1,
    components,
    given: { logits: given('logits'), means: given('means'), logScales: given('log_scales') },
    minLogScale: Math.min(...arrayOf(inputs, 'log_scales').data),
  });
}

/** y = scale logit(F(x)) + shift of the second half of an event whose first half makes no difference. */
async function checkCoupling({ params, inputs }: GoldenCase, check: Check): Promise<void> {
  if (params.map !== 'y = logit(CDF(x)) * exp(log_scale) + shift, logDet summed over D') {
    throw unknown('map', params.map);
  }
  const x = tensorOf(inputs, 'x');
  const [batch, dim] = x.shape as [number, number];
  const logits = tensorOf(inputs, 'logits');
  const components = logits.shape[2] as number;
  const given = ['logits', 'means', 'log_scales'].map((name) => tensorOf(inputs, name));
  const affine = ['shift', 'log_scale'].map((name) => expandDims(tensorOf(inputs, name), -1));
  const parameters = reshape(concat([...given, ...affine], -1), [batch, -1]);
  const layer = coupling({
    dim: 2 * dim,
    mask: Array.from({ length: 2 * dim }, (_, d) => d >= dim),
    transformer: logisticMixtureTransformer({ components, affine: { scale: 'exp' } }),
    conditioner: (sizes) => ({ ...sizes, parameters: {}, buffers: {}, dispose: () => {}, apply: () => clone(parameters) }),
  });
  const [y, logDet] = layer.forwardAndLogDet(concat([zeros([batch, dim]), x], -1));
  await check.near('y', slice(y, [0, dim], [batch, dim]), TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE);
  await checkRoundTrip(check, layer, y, TOLERANCE);
}
