import type { Tensor } from '@tensorflow/tfjs-core';
import {
  broadcastTo,
  cast,
  div,
  exp,
  expandDims,
  gather,
  mean,
  mul,
  range,
  reshape,
  slice,
  sub,
  sum,
  tensor,
  transpose,
  zeros,
} from '@tensorflow/tfjs-core';
import type { Distribution, LatentVariableModel } from 'tfjs-flows';
import {
  aggregatedPosteriorLogProb,
  bernoulli,
  diagNormal,
  elboSurgery,
  klDivergence,
  minibatchAggregate,
  standardNormal,
  totalCorrelation,
} from 'tfjs-flows';
import type { GoldenCase, GoldenTree } from '../cases.js';
import { arrayOf, arraysOf, tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';
import { scriptedRng } from './scriptedRng.js';

const TOLERANCE = 1e-5;

/** The decomposition of the average KL: on given draws, exact, and from minibatches. */
export const elboSurgeryAdapter: Adapter = async (golden, check) => {
  if ('mss' in golden.expected) {
    await checkMinibatch(golden, check);
  } else if ('mean_mss' in golden.expected) {
    await checkEnumeration(golden, check);
  } else if ('z' in golden.inputs) {
    await checkSamples(golden, check);
  } else if ('entropy_q_z' in golden.expected) {
    await checkExact(golden, check);
  } else {
    throw unknown('case with the results', Object.keys(golden.expected));
  }
};

/** N Gaussian posteriors, of all latents or of one. */
interface Posteriors {
  readonly count: number;
  readonly dim: number;
  readonly all: Distribution;
  /** log q(z_m) of the aggregate, z [M, D]. */
  logAggregate(z: Tensor): Promise<Float64Array>;
  /** The same of latent d alone, z [M]. */
  logAggregateOf(d: number, z: Tensor): Promise<Float64Array>;
}

function posteriorsOf(inputs: GoldenTree): Posteriors {
  const mean = tensorOf(inputs, 'mu');
  const logScale = mul(tensorOf(inputs, 'logvar'), 0.5);
  const [count, dim] = mean.shape as [number, number];
  const rows = (value: Tensor, start: number, end: number): Tensor => slice(value, start, end - start);
  const column = (value: Tensor, d: number): Tensor => slice(value, [0, d], [count, 1]);
  const aggregate = (means: Tensor, logScales: Tensor, z: Tensor): Promise<Float64Array> =>
    aggregatedPosteriorLogProb({
      posterior: (start, end) => diagNormal({ mean: rows(means, start, end), logScale: rows(logScales, start, end) }),
      count,
      z,
      tile: 4096,
    });
  return {
    count,
    dim,
    all: diagNormal({ mean, logScale }),
    logAggregate: (z) => aggregate(mean, logScale, z),
    logAggregateOf: (d, z) => aggregate(column(mean, d), column(logScale, d), reshape(z, [-1, 1])),
  };
}

const average = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((total, value) => total + value, 0) / values.length;

/** Draws z [n, S, D], S of each posterior: `elboSurgery` is given the noise that makes them. */
async function checkSamples({ inputs }: GoldenCase, check: Check): Promise<void> {
  const posteriors = posteriorsOf(inputs);
  const { count, dim, all } = posteriors;
  const z = tensorOf(inputs, 'z');
  const samples = z.shape[1] as number;
  const prior = standardNormal({ eventShape: [dim] });

  const [mu, logvar] = ['mu', 'logvar'].map((name) => expandDims(tensorOf(inputs, name), 1)) as [Tensor, Tensor];
  const noise = transpose(div(sub(z, mu), exp(mul(logvar, 0.5))), [1, 0, 2]);
  const model: LatentVariableModel = {
    prior,
    posterior: (x) => {
      const rows = (name: string): Tensor => gather(tensorOf(inputs, name), cast(reshape(x, [-1]), 'int32'));
      return diagNormal({ mean: rows('mu'), logScale: mul(rows('logvar'), 0.5) });
    },
    likelihood: (code) => bernoulli({ logits: zeros([...code.shape.slice(0, -1), 1]) }),
  };
  const data = reshape(range(0, count), [count, 1]);
  const report = await elboSurgery({ model, data, samples, tile: count, rng: scriptedRng({ normal: noise }) });
  check.nearNumbers('average_kl', [report.averageKl], TOLERANCE);
  check.nearNumbers('mutual_information', [report.mutualInformation], TOLERANCE);
  check.nearNumbers('marginal_kl', [report.marginalKl], TOLERANCE);
  check.nearNumbers('log_n', [report.logN], TOLERANCE);
  check.nearNumbers('index_entropy_bound_gap', [report.logN - report.mutualInformation], TOLERANCE);
  const parts = await totalCorrelation({ model, data, samples, tile: count, rng: scriptedRng({ normal: noise }) });
  check.nearNumbers('total_correlation', [parts.totalCorrelation], TOLERANCE);
  check.nearNumbers('dimension_wise_kl', [parts.dimensionWiseKl], TOLERANCE);
  check.nearNumbers('dimension_wise_kl_per_dim', parts.perDimension ?? [], TOLERANCE);

  // One by one. Draws come first in the distributions' shapes, data points in the case's.
  const swap = (value: Tensor): Tensor => transpose(value);
  await check.near('log_q_z_given_own_x', swap(all.logProb(transpose(z, [1, 0, 2]))), TOLERANCE);
  await check.near('log_p_z', prior.logProb(z), TOLERANCE);
  check.nearNumbers('log_q_z', await posteriors.logAggregate(reshape(z, [-1, dim])), TOLERANCE);
  const perDim = await Promise.all(
    Array.from({ length: dim }, (_, d) => posteriors.logAggregateOf(d, slice(z, [0, 0, d], [count, samples, 1]))),
  );
  check.nearNumbers(
    'log_q_z_per_dim',
    Array.from({ length: count * samples }, (_, m) => perDim.map((logs) => logs[m] as number)).flat(),
    TOLERANCE,
  );
  const kl = klDivergence(all, prior);
  await check.near('kl_per_posterior_analytic', kl, TOLERANCE);
  await check.near('average_kl_analytic', mean(kl), TOLERANCE);
}

/** The trapezoid rule on a grid, with our aggregate as the integrand. */
async function checkExact({ inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const posteriors = posteriorsOf(inputs);
  const { dim, all } = posteriors;
  // Exponentially accurate: the step is below the smallest scale, and nothing is left at the ends.
  const scales = arrayOf(inputs, 'logvar').data.map((value) => Math.exp(value / 2));
  const reach = Math.max(...arrayOf(inputs, 'mu').data.map(Math.abs)) + 9 * Math.max(...scales);
  const step = Math.min(...scales) / 3;
  const line = Array.from({ length: 2 * Math.ceil(reach / step) + 1 }, (_, i) => (i - Math.ceil(reach / step)) * step);
  const points = Array.from({ length: dim }).reduce<number[][]>(
    (grid) => grid.flatMap((point) => line.map((value) => [...point, value])),
    [[]],
  );
  const z = tensor(points.flat(), [points.length, dim], 'float32');
  const logQ = await posteriors.logAggregate(z);
  const logP = await standardNormal({ eventShape: [dim] })
    .logProb(z)
    .data();
  const integral = (logs: ArrayLike<number>, volume: number, of: (i: number) => number): number =>
    Array.from(logs).reduce((total, log, i) => total + Math.exp(log) * of(i) * volume, 0);
  const marginalKl = integral(logQ, step ** dim, (i) => (logQ[i] as number) - (logP[i] as number));
  const averageKl = average(await klDivergence(all, standardNormal({ eventShape: [dim] })).data());
  check.nearNumbers('average_kl', [averageKl], TOLERANCE);
  check.nearNumbers('marginal_kl', [marginalKl], TOLERANCE);
  check.nearNumbers('mutual_information', [averageKl - marginalKl], TOLERANCE);
  check.nearNumbers('entropy_q_z', [-integral(logQ, step ** dim, (i) => logQ[i] as number)], TOLERANCE);
  if ('marginal_entropies' in expected) {
    const marginals = await Promise.all(
      Array.from({ length: dim }, (_, d) => posteriors.logAggregateOf(d, tensor(line, [line.length], 'float32'))),
    );
    const entropies = marginals.map((logs) => -integral(logs, step, (i) => logs[i] as number));
    check.nearNumbers('marginal_entropies', entropies, TOLERANCE);
    const logLine = await standardNormal({ eventShape: [1] })
      .logProb(tensor(line, [line.length, 1], 'float32'))
      .data();
    const perDimension = marginals.map((logs) => integral(logs, step, (i) => (logs[i] as number) - (logLine[i] as number)));
    const dimensionWiseKl = perDimension.reduce((total, kl) => total + kl, 0);
    check.nearNumbers('dimension_wise_kl_per_dim', perDimension, TOLERANCE);
    check.nearNumbers('dimension_wise_kl', [dimensionWiseKl], TOLERANCE);
    check.nearNumbers('total_correlation', [marginalKl - dimensionWiseKl], TOLERANCE);
  }
}

/** What a minibatch tells, its weighted and stratified estimates, and what is exact over it. */
async function checkMinibatch({ params, inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const posteriors = posteriorsOf(inputs);
  const { dim, all } = posteriors;
  const prior = standardNormal({ eventShape: [dim] });
  const z = tensorOf(inputs, 'z');
  const [logQ, logP] = [all.logProb(z), prior.logProb(z)];
  await check.near('log_q_z_given_own_x', logQ, TOLERANCE);
  await check.near('log_p_z', logP, TOLERANCE);
  await check.near('kl_sampled', mean(sub(logQ, logP)), TOLERANCE);
  await check.near('kl_analytic', mean(klDivergence(all, prior)), TOLERANCE);
  if ('exact_over_batch' in expected) {
    const whole = await posteriors.logAggregate(z);
    const marginals = await Promise.all(
      Array.from({ length: dim }, (_, d) => posteriors.logAggregateOf(d, slice(z, [0, d], [posteriors.count, 1]))),
    );
    const product = whole.map((_, i) => marginals.reduce((total, logs) => total + (logs[i] as number), 0));
    checkParts('exact_over_batch', whole, product, await logQ.data(), await logP.data(), check);
  }
  for (const [name, estimator] of [
    ['mws', 'weighted'],
    ['mss', 'stratified'],
  ] as const) {
    const { logAggregate, logMarginals } = minibatchAggregate({
      posterior: all,
      z,
      dataCount: params.N as number,
      estimator,
    });
    const product = await sum(logMarginals, 1).data();
    checkParts(name, await logAggregate.data(), product, await logQ.data(), await logP.data(), check);
  }
  check.aside('weights show in the estimates that they make', 'mss_weights');
  setReleasedAside(expected, check);
}

function checkParts(
  name: string,
  aggregate: ArrayLike<number>,
  product: ArrayLike<number>,
  posterior: ArrayLike<number>,
  prior: ArrayLike<number>,
  check: Check,
): void {
  const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
    average(Array.from(a, (value, i) => value - (b[i] as number)));
  check.nearNumbers(`${name}.log_q_z`, aggregate, TOLERANCE);
  check.nearNumbers(`${name}.log_prod_q_zd`, product, TOLERANCE);
  check.nearNumbers(`${name}.mi`, [difference(posterior, aggregate)], TOLERANCE);
  check.nearNumbers(`${name}.tc`, [difference(aggregate, product)], TOLERANCE);
  check.nearNumbers(`${name}.dwkl`, [difference(product, prior)], TOLERANCE);
}

async function checkEnumeration({ params, inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const logs = await posteriorsOf(inputs).logAggregate(expandDims(tensorOf(inputs, 'z'), 0));
  check.nearNumbers('q_z', Array.from(logs, Math.exp), TOLERANCE);
  const [n, size] = [params.n as number, params.B as number];
  const others = Array.from({ length: n }, (_, i) => i).filter((i) => i !== params.own_index);
  const minibatches = ordered(others, size - 1).flatMap((rest) =>
    Array.from({ length: size }, (_, place) => ({ place, rows: rest.toSpliced(place, 0, params.own_index as number) })),
  );
  for (const [name, estimator] of [
    ['mean_mss', 'stratified'],
    ['mean_mws', 'weighted'],
  ] as const) {
    const estimates = await Promise.all(
      minibatches.map(async ({ place, rows }) => {
        const index = tensor(rows, [size], 'int32');
        const posterior = diagNormal({
          mean: gather(tensorOf(inputs, 'mu'), index),
          logScale: mul(gather(tensorOf(inputs, 'logvar'), index), 0.5),
        });
        const z = broadcastTo(tensorOf(inputs, 'z'), [size, ...tensorOf(inputs, 'z').shape]);
        const { logAggregate } = minibatchAggregate({ posterior, z, dataCount: n, estimator });
        return Math.exp((await logAggregate.data())[place] as number);
      }),
    );
    check.nearNumbers(name, [average(estimates)], TOLERANCE);
  }
  setReleasedAside(expected, check);
}

/** All ordered choices of so many. */
function ordered(from: readonly number[], count: number): number[][] {
  return count === 0
    ? [[]]
    : from.flatMap((first) =>
        ordered(
          from.filter((one) => one !== first),
          count - 1,
        ).map((rest) => [first, ...rest]),
      );
}

/** What released code computes by mistake. */
function setReleasedAside(expected: GoldenTree, check: Check): void {
  const paths = arraysOf(expected).flatMap(([path]) => (/_as_released|^mean_released/.test(path) ? [path] : []));
  check.aside('published code is known to be wrong here, and nothing of ours repeats it', ...paths);
}
