import type { Tensor } from '@tensorflow/tfjs-core';
import { add, broadcastTo, div, exp, expandDims, log, mul, sub, sum, tensor, unstack } from '@tensorflow/tfjs-core';
import type { Bijector, Distribution } from 'tfjs-flows';
import {
  bitsPerDim,
  chain,
  defineDistribution,
  dequantizedLogProb,
  diagNormal,
  flow,
  invert,
  logitBijector,
  scaleShift,
  standardNormal,
  uniformDequantizer,
} from 'tfjs-flows';
import type { GoldenCase, GoldenTree } from '../cases.js';
import { arrayOf, arraysOf, tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';
import { scriptedRng } from './scriptedRng.js';

const TOLERANCE = 1e-5;

/** Uniform dequantization with given noise, logit preprocessing, and toy densities with exact probabilities. */
export const dequantizationAdapter: Adapter = async (golden, check) => {
  const { params, inputs, expected } = golden;
  if ('log_density_of_y' in inputs) {
    await checkUniform(golden, check);
  } else if ('model' in params) {
    await checkLogitModel(golden, check);
  } else if ('alpha' in params) {
    await checkLogit(golden, check);
  } else if ('variational_bound' in expected) {
    await checkToy(golden, check);
  } else {
    throw unknown('case with the results', Object.keys(expected));
  }
};

/** y = (x + u) / K with a given density: what it owes, in nats and in bits. */
async function checkUniform({ params, inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const levels = params.K as number;
  const dim = params.D as number;
  const x = tensorOf(inputs, 'x');
  const eventShape = x.shape.slice(1);
  const dequantizer = uniformDequantizer({ levels, eventRank: eventShape.length });
  const rng = () => scriptedRng({ uniform: tensorOf(inputs, 'u') });
  const [v] = dequantizer.sampleAndLogProb(x, { rng: rng() });
  await check.agree('x from x + u', dequantizer.quantize(v), x, 0);

  const toUnit = scaleShift({ scale: 1 / levels, eventRank: eventShape.length });
  const [y, logDet] = toUnit.forwardAndLogDet(v);
  await check.near('y', y, TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE);

  const density = tensorOf(inputs, 'log_density_of_y');
  const base = densityOf(eventShape, (value) => broadcastTo(density, value.shape.slice(0, -eventShape.length)));
  const distribution = flow({ base, bijector: invert(toUnit) });
  const bound = dequantizedLogProb({ distribution, dequantizer })(x, { rng: rng() });
  await check.near('bound_log_P', bound, TOLERANCE);
  await check.near('bits_per_dim', bitsPerDim({ logProb: density, dim, levels }), TOLERANCE);
  if ('bits_per_dim_from_nats_per_dim' in expected) {
    await check.near('bits_per_dim_from_nats_per_dim', bitsPerDim({ logProb: bound, dim }), TOLERANCE);
  }
}

/** logit(alpha + c v / 256) is the logit over an interval somewhat larger than [0, 256). */
function preprocessing(params: GoldenCase['params'], eventRank: number): Bijector {
  const [alpha, slope] = numbersOf(params);
  return logitBijector({ low: (-alpha / slope) * 256, high: ((1 - alpha) / slope) * 256, eventRank });
}

/** alpha and c. */
function numbersOf({ alpha, map, model }: GoldenCase['params']): [alpha: number, slope: number] {
  const text = String(map ?? model);
  const written = /logit\(([\d.e-]+) \+ ([\d.e-]+) \(x\+u\)\/256\)/.exec(text);
  if (written !== null) {
    return [Number(written[1]), Number(written[2])];
  }
  for (const [formula, share] of [
    ['logit(alpha + (1-2 alpha) v/256)', 2],
    ['logit(alpha + (1-alpha) v/256)', 1],
  ] as const) {
    if (text.includes(formula)) {
      return [alpha as number, 1 - share * (alpha as number)];
    }
  }
  throw unknown('map', text);
}

async function checkLogit({ params, inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const tolerance = (params.alpha as number) < 1e-4 ? 1e-3 : TOLERANCE;
  const v = add(tensorOf(inputs, 'x'), tensorOf(inputs, 'u'));
  const [z, logDet] = preprocessing(params, 0).forwardAndLogDet(v);
  await check.near('z', z, tolerance);
  await check.near('logDet', logDet, tolerance);
  if ('logDet_wrt_unit_interval' in expected) {
    const fromUnit = chain([scaleShift({ scale: 256 }), preprocessing(params, 0)]);
    await check.near('logDet_wrt_unit_interval', fromUnit.forwardAndLogDet(div(v, 256))[1], tolerance);
  }
  await checkRoundTrip(check, preprocessing(params, 0), z, tolerance);
}

/** z standard normal. */
async function checkLogitModel({ params, inputs }: GoldenCase, check: Check): Promise<void> {
  const dim = params.D as number;
  const x = tensorOf(inputs, 'x');
  const toLine = preprocessing(params, 1);
  const dequantizer = uniformDequantizer({ levels: 256 });
  const rng = () => scriptedRng({ uniform: tensorOf(inputs, 'u') });
  const [z, logDet] = toLine.forwardAndLogDet(dequantizer.sampleAndLogProb(x, { rng: rng() })[0]);
  await check.near('z', z, TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE);
  const distribution = flow({ base: standardNormal({ eventShape: [dim] }), bijector: invert(toLine) });
  const bound = dequantizedLogProb({ distribution, dequantizer })(x, { rng: rng() });
  await check.near('bound_log_P', bound, TOLERANCE);
  await check.near('bits_per_dim', bitsPerDim({ logProb: bound, dim }), TOLERANCE);
}

/** A density on the line or the plane whose probabilities are known: the bounds by quadrature over u. */
async function checkToy({ params, inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const distribution = 'means' in inputs ? mixtureOfNormals(inputs) : normalWithFactor(inputs);
  const x = tensorOf(inputs, 'x');
  const rank = distribution.eventShape.length;
  const dequantizer = uniformDequantizer({ levels: params.K as number, eventRank: rank });
  const nodes = unitNodes(distribution.eventShape[0] ?? 1);
  const noise = nodes.flatMap((node) => Array.from({ length: x.size / node.length }, () => node).flat());
  const over = (bound: 'elbo' | 'importance'): Tensor =>
    dequantizedLogProb({ distribution, dequantizer, samples: nodes.length, bound })(x, {
      rng: scriptedRng({ uniform: tensor(noise, [noise.length], 'float32') }),
    });
  // With equal weights on the nodes the mean weight is the integral of p over the cell, P(x).
  const logP = over('importance');
  const uniformBound = over('elbo');
  await check.near('log_P', logP, TOLERANCE);
  await check.near('uniform_bound', uniformBound, TOLERANCE);
  await check.near('uniform_gap', sub(logP, uniformBound), TOLERANCE);
  if ('bits_per_dim_exact' in expected) {
    await check.near('bits_per_dim_exact', bitsPerDim({ logProb: logP, dim: arrayOf(inputs, 'x').shape[rank] ?? 1 }), TOLERANCE);
  }
  if ('log_p_at_uniform_u' in expected) {
    const u = tensorOf(inputs, 'uniform_u');
    await check.near('log_p_at_uniform_u', distribution.logProb(add(expandDims(x, 1), u)), TOLERANCE);
  }
  if ('total_log_P_under_P' in expected) {
    const weights = div(exp(logP), sum(exp(logP)));
    await check.near('total_log_P_under_P', sum(mul(weights, logP)), TOLERANCE);
    await check.near('total_uniform_bound_under_P', sum(mul(weights, uniformBound)), TOLERANCE);
  }
  if (check.has(['variationalDequantizer'], { name: 'variational bound', paths: variationalPaths(expected) })) {
    throw new Error('the library exports variationalDequantizer now, but the adapter is missing');
  }
}

/** What the case expects of q(u | x). */
const variationalPaths = (expected: GoldenTree): string[] =>
  arraysOf(expected)
    .map(([path]) => path)
    .filter((path) => /^(variational|per_sample|importance_weighted|best)/.test(path));

const densityOf = (eventShape: readonly number[], logProb: (value: Tensor) => Tensor): Distribution =>
  defineDistribution({
    name: 'given',
    eventShape,
    sample: () => {
      throw new Error('the cases give densities only');
    },
    logProb,
  });

function mixtureOfNormals(inputs: GoldenTree): Distribution {
  const logits = tensorOf(inputs, 'mixture_logits');
  const weights = sub(logits, log(sum(exp(logits))));
  const parts = diagNormal({ mean: tensorOf(inputs, 'means'), logScale: tensorOf(inputs, 'log_stds'), eventRank: 0 });
  return densityOf([], (value) => log(sum(exp(add(weights, parts.logProb(expandDims(value, -1)))), -1)));
}

/** N(mean, L L^T): z = L^-1 (x - mean) row by row. */
function normalWithFactor(inputs: GoldenTree): Distribution {
  const { shape, data } = arrayOf(inputs, 'cholesky');
  const dim = shape[0] as number;
  const factor = (row: number, column: number): number => data[row * dim + column] as number;
  const standard = standardNormal({ eventShape: [] });
  return densityOf([dim], (value) => {
    const z: Tensor[] = [];
    let total: Tensor | undefined;
    for (const [row, x] of unstack(sub(value, tensorOf(inputs, 'mean')), -1).entries()) {
      const rest = z.reduce((left, known, column) => sub(left, mul(known, factor(row, column))), x);
      const own = div(rest, factor(row, row));
      const term = sub(standard.logProb(own), Math.log(factor(row, row)));
      z.push(own);
      total = total === undefined ? term : add(total, term);
    }
    return total as Tensor;
  });
}

/** Gauss-Legendre nodes of two points a panel, whose weights are equal, in each dimension of the unit cell. */
function unitNodes(dim: number): number[][] {
  const panels = dim === 1 ? 64 : 16;
  const line = Array.from({ length: panels }, (_, i) =>
    [-1, 1].map((side) => (i + 0.5 + side * Math.sqrt(1 / 12)) / panels),
  ).flat();
  return Array.from({ length: dim }).reduce<number[][]>(
    (points) => points.flatMap((point) => line.map((u) => [...point, u])),
    [[]],
  );
}
