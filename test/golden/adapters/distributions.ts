import type { Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  broadcastTo,
  expandDims,
  eye,
  grad,
  matMul,
  neg,
  range,
  reshape,
  sigmoid,
  softmax,
  softplus,
  squeeze,
  sub,
  sum,
  tensor,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { Distribution } from 'tfjs-flows';
import {
  bernoulli,
  categorical,
  diagNormal,
  discretizedLogistic,
  discretizedLogisticMixture,
  fullNormal,
  klDivergence,
  laplace,
  logistic,
  logisticMixtureCdf,
  mixture,
  standardNormal,
  studentT,
} from 'tfjs-flows';
import type { GoldenCase } from '../cases.js';
import { tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';
import { scriptedRng } from './scriptedRng.js';

const TOLERANCE = 1e-5;

/** Densities, entropies and divergences. Cases of two families can have the same inputs, so the name tells the family. */
export const distributionsAdapter: Adapter = async (golden, check, folder) => {
  const family = Object.keys(FAMILIES)
    .sort((a, b) => b.length - a.length)
    .find((name) => golden.name.startsWith(name));
  if (family === undefined) {
    throw unknown('family', golden.name);
  }
  await (FAMILIES[family] as Adapter)(golden, check, folder);
};

const FAMILIES: Readonly<Record<string, Adapter>> = {
  diag_normal: async (golden, check) => {
    const make = (suffix: string): Distribution =>
      diagNormal({ mean: tensorOf(golden.inputs, `mean${suffix}`), logScale: tensorOf(golden.inputs, `log_std${suffix}`) });
    const p = make('');
    await checkFamily(golden, check, p, make('2'));
    if ('kl_to_standard_normal' in golden.expected) {
      const standard = standardNormal({ eventShape: p.eventShape });
      await check.near('kl_to_standard_normal', klDivergence(p, standard), TOLERANCE);
    }
  },
  bernoulli: async (golden, check) => {
    const make = (suffix: string): Distribution =>
      bernoulli({ logits: tensorOf(golden.inputs, `logits${suffix}`), eventRank: 0 });
    await checkFamily(golden, check, make(''), make('2'));
  },
  logistic: async (golden, check) => {
    await checkFamily(golden, check, logistic(locationScale(golden, '')), logistic(locationScale(golden, '2')));
    await checkDistributionFunction(golden, check);
  },
  laplace: (golden, check) => checkFamily(golden, check, laplace(locationScale(golden, '')), laplace(locationScale(golden, '2'))),
  student_t: async (golden, check) => {
    const make = (suffix: string): Distribution =>
      studentT({ df: tensorOf(golden.inputs, `df${suffix}`), ...locationScale(golden, suffix) });
    await checkFamily(golden, check, make(''), make('2'));
  },
  full_normal: async (golden, check) => {
    const { inputs } = golden;
    const make = (suffix: string): Distribution =>
      fullNormal({ mean: tensorOf(inputs, `mean${suffix}`), scaleTril: tensorOf(inputs, `cholesky${suffix}`) });
    const p = make('');
    await checkFamily(golden, check, p, make('2'));
    // Draws from unit vectors of noise are the columns of the factor.
    const [dim] = p.eventShape as [number];
    const draws = p.sample({ shape: [dim], rng: scriptedRng({ normal: eye(dim) }) });
    const columns = sub(draws, (p.mean as () => Tensor)());
    await check.near('covariance', matMul(columns, columns, true), TOLERANCE);
  },
  categorical: async (golden, check) => {
    const make = (suffix: string): Distribution =>
      categorical({ logits: tensorOf(golden.inputs, `logits${suffix}`), eventRank: 0 });
    await checkFamily(golden, check, make(''), make('2'));
  },
  mixture_diag_normal: async ({ inputs, expected }, check) => {
    const [x, logits] = [tensorOf(inputs, 'x'), tensorOf(inputs, 'logits')];
    const components = diagNormal({ mean: tensorOf(inputs, 'means'), logScale: tensorOf(inputs, 'log_stds') });
    const p = mixture({ logits, components });
    await check.near('log_prob', p.logProb(x), TOLERANCE);
    await check.near('mean', (p.mean as () => Tensor)(), TOLERANCE);
    // The gradient of log p in the logits is responsibilities minus weights.
    const slopes = grad((l: Tensor) => sum(mixture({ logits: l, components }).logProb(x)));
    const each = broadcastTo(logits, [x.shape[0] as number, logits.size]);
    await check.near('responsibilities', add(slopes(each), softmax(logits)), TOLERANCE);
    check.aside('no distribution here tells its variance', 'variance');
    if ('entropy' in expected) {
      const standard = standardNormal({ eventShape: p.eventShape });
      const zero = { logProb: (value: Tensor): Tensor => zerosLike(p.logProb(value)) };
      const origin = { location: (p.mean as () => Tensor)(), scales: [1] };
      await check.near('entropy', neg(squeeze(await klByQuadrature(p, zero, origin))), TOLERANCE);
      await check.near('kl_to_standard_normal', squeeze(await klByQuadrature(p, standard, origin)), TOLERANCE);
    }
  },
  discretised_logistic_mixture: async ({ inputs }, check) => {
    const p = discretizedLogisticMixture({
      logits: tensorOf(inputs, 'logits'),
      means: tensorOf(inputs, 'means'),
      logScales: tensorOf(inputs, 'log_scales'),
    });
    const logProb = p.logProb(range(0, 256));
    await check.near('log_prob', logProb, TOLERANCE);
    // The released formula, approximate for small bins: by up to 2e-4 in these cases.
    await check.near('log_prob_pixelcnn_pp', logProb, 2e-4);
  },
  discretised_logistic: async ({ inputs }, check) => {
    const p = discretizedLogistic({
      location: tensorOf(inputs, 'means'),
      logScale: tensorOf(inputs, 'log_scales'),
      eventRank: 0,
    });
    await check.near('log_prob', p.logProb(tensorOf(inputs, 'v')), TOLERANCE);
  },
};

/** The parameters of elementwise distributions, first or second. */
function locationScale({ inputs }: GoldenCase, suffix: string): { location: Tensor; logScale: Tensor; eventRank: number } {
  return { location: tensorOf(inputs, `mean${suffix}`), logScale: tensorOf(inputs, `log_scale${suffix}`), eventRank: 0 };
}

async function checkFamily({ inputs, expected }: GoldenCase, check: Check, p: Distribution, q: Distribution): Promise<void> {
  await check.near('log_prob', p.logProb(tensorOf(inputs, 'x')), TOLERANCE);
  await check.near('entropy', (p.entropy as () => Tensor)(), TOLERANCE);
  if ('kl_to_second' in expected) {
    const byQuadrature = async (): Promise<Tensor> =>
      klByQuadrature(p, q, {
        location: tensorOf(inputs, 'mean'),
        scales: Array.from(await tensorOf(inputs, 'log_scale').data(), Math.exp),
      });
    await check.near('kl_to_second', p.klTo === undefined ? await byQuadrature() : klDivergence(p, q), TOLERANCE);
  }
}

/**
 * KL(p || q) of distributions of one number each, where it has no closed form and so none in `klDivergence`: the trapezoid rule, in
 * float64, on our two log-densities, at nodes sinh(t) scales from the location, which reach far enough for tails that fall by powers.
 */
async function klByQuadrature(
  p: Density,
  q: Density,
  { location, scales }: { readonly location: Tensor; readonly scales: readonly number[] },
): Promise<Tensor> {
  // Beyond e^9 scales there is less than 1e-9 of a t distribution with 2.6 degrees of freedom.
  const [reach, step] = [9.7, 1 / 32];
  const nodes = Array.from({ length: Math.floor((2 * reach) / step) + 1 }, (_, i) => i * step - reach);
  const offsets = tensor(
    nodes.flatMap((node) => scales.map((scale) => Math.sinh(node) * scale)),
    [nodes.length, scales.length],
    'float32',
  );
  const x = add(expandDims(location, 0), offsets);
  const [logP, logQ] = await Promise.all([p.logProb(x).data(), q.logProb(x).data()]);
  const total = scales.map((scale, i) =>
    nodes.reduce((sum, node, n) => {
      const at = n * scales.length + i;
      const weight = Math.cosh(node) * step * scale;
      return sum + Math.exp(logP[at] as number) * ((logP[at] as number) - (logQ[at] as number)) * weight;
    }, 0),
  );
  return tensor(total, location.shape, 'float32');
}

type Density = Pick<Distribution, 'logProb'>;

/** F of a logistic distribution is that of a mixture with one component; its logit gives the rest. */
async function checkDistributionFunction({ inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const x = tensorOf(inputs, 'x');
  const column = (value: Tensor): Tensor => reshape(value, [-1, 1, 1]);
  const bijector = logisticMixtureCdf({
    dim: 1,
    components: 1,
    given: {
      logits: column(zerosLike(x)),
      means: column(tensorOf(inputs, 'mean')),
      logScales: column(tensorOf(inputs, 'log_scale')),
    },
  });
  const y = reshape(bijector.forward(reshape(x, [-1, 1])), x.shape);
  const results = { cdf: sigmoid(y), log_cdf: neg(softplus(neg(y))), log_survival: neg(softplus(y)) };
  for (const [path, result] of Object.entries(results)) {
    if (path in expected) {
      await check.near(path, result, TOLERANCE);
    }
  }
}
