import type { Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  broadcastTo,
  div,
  exp,
  expandDims,
  grads,
  log,
  mul,
  sub,
  sum,
  tensor,
  transpose,
  unstack,
} from '@tensorflow/tfjs-core';
import type { Bijector, Dequantizer, Distribution } from 'tfjs-flows';
import {
  bitsPerDim,
  chain,
  defineDistribution,
  dequantizedLogProb,
  diagNormal,
  flow,
  invert,
  logitBijector,
  logitPreprocess,
  scaleShift,
  standardNormal,
  uniformDequantizer,
  variationalDequantizer,
} from 'tfjs-flows';
import type { GoldenCase, GoldenTree } from '../cases.js';
import { arrayOf, tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';
import { scriptedRng } from './scriptedRng.js';

const TOLERANCE = 1e-5;

/** Enough for the bounds of the cases: the error falls by a factor at each step. */
const ASCENT_STEPS = 150;

/** Uniform and variational dequantization with given noise, logit preprocessing, and toy densities with exact probabilities. */
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

/** logit(alpha + c v / 256); where c is not 1 - 2 alpha it is the logit over an interval that ends elsewhere. */
function preprocessing(params: GoldenCase['params'], eventRank: number): Bijector {
  const [alpha, slope] = numbersOf(params);
  return Math.abs(slope - (1 - 2 * alpha)) < 1e-12
    ? logitPreprocess({ levels: 256, lambda: alpha, eventRank })
    : logitBijector({ low: (-alpha / slope) * 256, high: ((1 - alpha) / slope) * 256, eventRank });
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
async function checkToy(golden: GoldenCase, check: Check): Promise<void> {
  const { params, inputs, expected } = golden;
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
  await checkVariational(distribution, golden, check);
}

/** q(u | x): u = sigmoid(a + exp(b) eps), on given eps and, by quadrature over eps, in expectation. */
async function checkVariational(
  distribution: Distribution,
  { params, inputs, expected }: GoldenCase,
  check: Check,
): Promise<void> {
  const x = tensorOf(inputs, 'x');
  const rank = distribution.eventShape.length;
  const dequantizerOf = (mean: Tensor, logScale: Tensor): Dequantizer =>
    variationalDequantizer({ levels: params.K as number, flow: diagNormal({ mean, logScale, eventRank: rank }) });
  const dequantizer = dequantizerOf(tensorOf(inputs, 'a'), tensorOf(inputs, 'b'));

  // The cases have the samples after x, draws have them first.
  const drawsLast = (value: Tensor): Tensor => transpose(value, [1, 0, 2].slice(0, value.rank));
  const eps = drawsLast(tensorOf(inputs, 'eps'));
  const samples = eps.shape[0] as number;
  const [y, logQ] = dequantizer.sampleAndLogProb(x, { shape: [samples], rng: scriptedRng({ normal: eps }) });
  const logP = distribution.logProb(y);
  await check.near('per_sample.u', drawsLast(sub(y, x)), TOLERANCE);
  await check.near('per_sample.log_p', drawsLast(logP), TOLERANCE);
  await check.near('per_sample.log_q', drawsLast(logQ), TOLERANCE);
  const each = dequantizedLogProb({ distribution, dequantizer })(broadcastTo(x, [samples, ...x.shape]), {
    rng: scriptedRng({ normal: eps }),
  });
  await check.near('per_sample.bound', drawsLast(each), TOLERANCE);
  if ('importance_weighted_bound' in expected) {
    const objective = dequantizedLogProb({ distribution, dequantizer, samples, bound: 'importance' });
    await check.near('importance_weighted_bound', objective(x, { rng: scriptedRng({ normal: eps }) }), TOLERANCE);
  }

  const nodes = normalNodes(distribution.eventShape[0] ?? 1);
  const weights = tensor(
    nodes.map(({ weight }) => weight),
    [nodes.length, 1],
  );
  const places = tensor(
    nodes.map(({ at }) => at),
    [nodes.length, 1, ...distribution.eventShape],
  );
  const normal = broadcastTo(places, [nodes.length, ...x.shape]);
  const bound = (over: Dequantizer): Tensor => {
    const objective = dequantizedLogProb({ distribution, dequantizer: over });
    return sum(mul(objective(broadcastTo(x, normal.shape), { rng: scriptedRng({ normal }) }), weights), 0);
  };
  const variational = bound(dequantizer);
  await check.near('variational_bound', variational, TOLERANCE);
  const gap = sub(tensor(arrayOf(expected, 'log_P').data as number[]), variational);
  await check.near('variational_gap', gap, TOLERANCE);
  if ('best_a' in expected) {
    const [a, b] = best([tensorOf(inputs, 'a'), tensorOf(inputs, 'b')], (a, b) => bound(dequantizerOf(a, b)));
    await check.near('best_a', a, TOLERANCE);
    await check.near('best_b', b, TOLERANCE);
    await check.near('best_variational_bound', bound(dequantizerOf(a, b)), TOLERANCE);
  }
}

/** The tensors [N] at which each of N values is largest, by gradient ascent. */
function best(start: [a: Tensor, b: Tensor], values: (a: Tensor, b: Tensor) => Tensor): [a: Tensor, b: Tensor] {
  const slopes = grads((a, b) => sum(values(a as Tensor, b as Tensor)));
  let [a, b] = start;
  for (let step = 0; step < ASCENT_STEPS; step++) {
    const [da, db] = slopes([a, b]) as [Tensor, Tensor];
    [a, b] = [add(a, mul(da, 0.5)), add(b, mul(db, 0.5))];
  }
  return [a, b];
}

/** Nodes and weights for expectations over standard normal noise: the trapezoidal rule, whose error here is below rounding. */
function normalNodes(dim: number): { at: number[]; weight: number }[] {
  const step = dim === 1 ? 0.1 : 0.25;
  const line = Array.from({ length: 2 * Math.round(8 / step) + 1 }, (_, i) => -8 + i * step).map((at) => ({
    at: [at],
    weight: (step * Math.exp(-0.5 * at * at)) / Math.sqrt(2 * Math.PI),
  }));
  return Array.from({ length: dim - 1 }).reduce<typeof line>(
    (points) => points.flatMap((p) => line.map((q) => ({ at: [...p.at, ...q.at], weight: p.weight * q.weight }))),
    line,
  );
}

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
