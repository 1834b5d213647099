import type { Tensor } from '@tensorflow/tfjs-core';
import { add, broadcastTo, concat, exp, grads, log, mul, reshape, slice, split, sub, sum, tensor } from '@tensorflow/tfjs-core';
import type { Bijector, Conditioner, Distribution, KlEstimator, Vae } from 'tfjs-flows';
import {
  bernoulli,
  betaElbo,
  chain,
  diagNormal,
  elbo,
  flow,
  freeBits,
  iwae,
  klDivergence,
  mlp,
  planar,
  standardNormal,
  vae,
} from 'tfjs-flows';
import type { GoldenCase, GoldenTree } from '../cases.js';
import { arrayOf, tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';
import { scriptedRng } from './scriptedRng.js';
import { assign, matrixOf, transposed } from './state.js';

const TOLERANCE = 2e-5;
const GRADIENT_TOLERANCE = 5e-5;

/** Bounds of a Gaussian or planar posterior with given noise: every term, value and gradient. */
export const elboAdapter: Adapter = async (golden, check) => {
  if ('logits' in golden.inputs) {
    await checkTerms(golden, check);
  } else if ('u' in golden.inputs) {
    await checkPlanarPosterior(golden, check);
  } else if ('W1' in golden.inputs) {
    await checkEstimators(golden, check);
  } else if ('log_evidence' in golden.expected) {
    await checkExpectations(golden, check);
  } else {
    throw unknown('case with the inputs', Object.keys(golden.inputs));
  }
};

/** q(z | x) of the encoder's output [mean, log-variance]. */
type Posterior = (mu: Tensor, logvar: Tensor) => Distribution;

const gaussian: Posterior = (mu, logvar) => diagNormal({ mean: mu, logScale: mul(logvar, 0.5) });

/** A model whose encoder knows the answer. */
function modelOf(mu: Tensor, logvar: Tensor, decoder: Conditioner, posterior: Posterior = gaussian): Vae {
  const dim = mu.shape[mu.rank - 1] as number;
  const encoder: Conditioner = {
    ...silent,
    inputDim: decoder.outputDim,
    outputDim: 2 * dim,
    contextDim: 0,
    apply: () => concat([mu, logvar], -1),
  };
  return vae({ encoder, decoder, posterior: (parameters) => posterior(...(split(parameters, 2, -1) as [Tensor, Tensor])) });
}

const silent = { parameters: {}, buffers: {}, dispose: () => {} } as const;

/** W2 tanh(W1 z + b1) + b2. */
function decoderOf(inputs: GoldenTree): Conditioner {
  const [first, second] = [matrixOf(arrayOf(inputs, 'W1')), matrixOf(arrayOf(inputs, 'W2'))];
  const decoder = mlp({ inputDim: first.columns, outputDim: second.rows, hidden: [first.rows], activation: 'tanh' });
  assign(decoder, 'hidden0.kernel', transposed(first));
  assign(decoder, 'hidden0.bias', arrayOf(inputs, 'b1').data);
  assign(decoder, 'output.kernel', transposed(second));
  assign(decoder, 'output.bias', arrayOf(inputs, 'b2').data);
  return decoder;
}

/** Everything that a bound is made of, the logits of p(x | z) given. */
async function checkTerms({ params, inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const [mu, logvar, eps, x, logits] = ['mu', 'logvar', 'eps', 'x', 'logits'].map((name) => tensorOf(inputs, name)) as [
    ...Four,
    Tensor,
  ];
  const [samples, , dim] = eps.shape as [number, number, number];
  const prior = standardNormal({ eventShape: [dim] });
  const q = gaussian(mu, logvar);
  const [z, logQ] = q.sampleAndLogProb({ shape: [samples], rng: scriptedRng({ normal: eps }) });
  const logLikelihood = bernoulli({ logits }).logProb(broadcastTo(x, logits.shape));
  const logPrior = prior.logProb(z);
  await check.near('z', z, TOLERANCE);
  await check.near('log_px_given_z', logLikelihood, TOLERANCE);
  await check.near('log_prior_z', logPrior, TOLERANCE);
  await check.near('log_q_z', logQ, TOLERANCE);
  await check.near('kl_single_sample', sub(logQ, logPrior), TOLERANCE);
  await check.near('kl_analytic', klDivergence(q, prior), TOLERANCE);
  const elements = diagNormal({ mean: mu, logScale: mul(logvar, 0.5), eventRank: 0 });
  await check.near('kl_per_dimension', klDivergence(elements, standardNormal({ eventShape: [] })), TOLERANCE);

  const model = (given: Tensor) => ({
    prior,
    posterior: () => gaussian(mu, logvar),
    likelihood: () => bernoulli({ logits: given }),
  });
  const whole = model(logits);
  const rng = () => scriptedRng({ normal: eps });
  await check.near('elbo_mean_over_samples', elbo({ model: whole, samples, kl: 'analytic' })(x, { rng: rng() }), TOLERANCE);
  const terms = iwae({ model: whole, samples }).terms(x, { rng: rng() });
  await check.near('iwae', terms.value, TOLERANCE);
  await check.near('elbo_from_weights', terms.elbo, TOLERANCE);
  await check.near('effective_sample_size', terms.effectiveSampleSize, TOLERANCE);
  const logWeights = sub(add(logLikelihood, logPrior), logQ);
  await check.near('normalised_weights', exp(sub(sub(logWeights, terms.value), Math.log(samples))), TOLERANCE);

  // One draw at a time, and each beta.
  const rows = (s: number, of: Tensor): Tensor => slice(of, s, 1);
  const each = (beta: number, kl: KlEstimator): Tensor =>
    concat(
      Array.from({ length: samples }, (_, s) => {
        const objective = betaElbo({ model: model(rows(s, logits)), beta, kl });
        return reshape(objective(x, { rng: scriptedRng({ normal: rows(s, eps) }) }), [1, -1]);
      }),
      0,
    );
  await check.near('elbo_analytic', each(1, 'analytic'), TOLERANCE);
  await check.near('elbo_single_sample', each(1, 'monteCarlo'), TOLERANCE);
  for (const beta of params.betas as number[]) {
    await check.near(`beta_elbo_analytic_${beta}`, each(beta, 'analytic'), TOLERANCE);
    await check.near(`beta_elbo_single_sample_${beta}`, each(beta, 'monteCarlo'), TOLERANCE);
  }
  for (const path of Object.keys(expected)) {
    const nats = /^kl_free_bits_per_dim_(.*)$/.exec(path)?.[1];
    if (nats !== undefined) {
      const { penalty } = freeBits({ model: model(rows(0, logits)), nats: Number(nats) }).terms(x);
      await check.near(path, reshape(slice(penalty, [0], [1]), []), TOLERANCE);
    }
  }
}

/** log w_s [S, ...batch] of a model's draws. */
const logWeightsOf = (model: Vae, x: Tensor, eps: Tensor): Tensor =>
  iwae({ model, samples: eps.shape[0] as number }).logWeights(x, { rng: scriptedRng({ normal: eps }) });

type Objective = (model: Vae, x: Tensor, eps: Tensor) => Tensor;

const bound =
  (make: (model: Vae, samples: number) => (x: Tensor, options: { rng: ReturnType<typeof scriptedRng> }) => Tensor): Objective =>
  (model, x, eps) =>
    make(model, eps.shape[0] as number)(x, { rng: scriptedRng({ normal: eps }) });

/** The estimators by their names in the cases. */
const OBJECTIVES: Readonly<Record<string, Objective>> = {
  analytic: bound((model, samples) => elbo({ model, samples, kl: 'analytic' })),
  reparam: bound((model, samples) => elbo({ model, samples, kl: 'monteCarlo' })),
  iwae: bound((model, samples) => iwae({ model, samples })),
  stl: bound((model, samples) => elbo({ model, samples, gradient: 'stickingTheLanding' })),
  iwae_stl: bound((model, samples) => iwae({ model, samples, gradient: 'stickingTheLanding' })),
  dreg: bound((model, samples) => iwae({ model, samples, gradient: 'doublyReparameterised' })),
};

/** Values, and gradients of their sum over the rows, of every estimator that the case has. */
async function checkEstimators({ inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const decoder = decoderOf(inputs);
  const [mu, logvar, eps, x] = ['mu', 'logvar', 'eps', 'x'].map((name) => tensorOf(inputs, name)) as Four;
  const model = modelOf(mu, logvar, decoder);
  if ('z' in expected) {
    const q = model.posterior(x);
    await check.near('z', q.sample({ shape: [eps.shape[0] as number], rng: scriptedRng({ normal: eps }) }), TOLERANCE);
  }
  if ('log_weights' in expected) {
    await check.near('log_weights', logWeightsOf(model, x, eps), TOLERANCE);
  }
  for (const [name, objective] of Object.entries(OBJECTIVES)) {
    if (`value_${name}` in expected) {
      await check.near(`value_${name}`, objective(model, x, eps), TOLERANCE);
    }
    if (`grad_mu_${name}` in expected) {
      const total = (m: Tensor, v: Tensor): Tensor => sum(objective(modelOf(m, v, decoder), x, eps));
      const [ofMu, ofLogvar] = grads(total)([mu, logvar]) as [Tensor, Tensor];
      await check.near(`grad_mu_${name}`, ofMu, GRADIENT_TOLERANCE);
      await check.near(`grad_logvar_${name}`, ofLogvar, GRADIENT_TOLERANCE);
    }
  }
}

type Four = [Tensor, Tensor, Tensor, Tensor];

/** The same with planar flows after the reparameterised draw, shared or for each row. */
async function checkPlanarPosterior({ inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const decoder = decoderOf(inputs);
  const [mu, logvar, eps, x] = ['mu', 'logvar', 'eps', 'x'].map((name) => tensorOf(inputs, name)) as Four;
  const samples = eps.shape[0] as number;
  const bijector = planarChain(inputs);
  const posterior: Posterior = (m, v) => flow({ base: gaussian(m, v), bijector });
  const model = modelOf(mu, logvar, decoder, posterior);

  const [z0, logQ0] = gaussian(mu, logvar).sampleAndLogProb({ shape: [samples], rng: scriptedRng({ normal: eps }) });
  const [z, logDet] = bijector.forwardAndLogDet(z0);
  const [drawn, logQ] = posterior(mu, logvar).sampleAndLogProb({ shape: [samples], rng: scriptedRng({ normal: eps }) });
  const logLikelihood = model.likelihood(z).logProb(broadcastTo(x, [samples, ...x.shape]));
  await check.near('z0', z0, TOLERANCE);
  await check.near('zK', drawn, TOLERANCE);
  await check.agree('the flow over the base, and the chain after it', drawn, z, 0);
  await check.near('sum_log_det', logDet, TOLERANCE);
  await check.near('log_q0', logQ0, TOLERANCE);
  await check.near('log_qK', logQ, TOLERANCE);
  await check.agree('log q(z | x) through the inverse', posterior(mu, logvar).logProb(drawn), logQ, TOLERANCE);
  await check.near('log_px_given_z', logLikelihood, TOLERANCE);
  await check.near('log_prior', model.prior.logProb(z), TOLERANCE);
  await check.near('elbo_single_sample', logWeightsOf(model, x, eps), TOLERANCE);

  for (const [name, objective] of [
    ['elbo', OBJECTIVES.reparam],
    ['iwae', OBJECTIVES.iwae],
    ['stl', OBJECTIVES.stl],
  ] as [string, Objective][]) {
    if (name in expected) {
      await check.near(name, objective(model, x, eps), TOLERANCE);
    }
    const total = (m: Tensor, v: Tensor): Tensor => sum(objective(modelOf(m, v, decoder, posterior), x, eps));
    const [ofMu, ofLogvar] = grads(total)([mu, logvar]) as [Tensor, Tensor];
    await check.near(`grad_mu_${name}`, ofMu, GRADIENT_TOLERANCE);
    await check.near(`grad_logvar_${name}`, ofLogvar, GRADIENT_TOLERANCE);
  }
}

/** Planar flows k = 0, 1, ... of u, w [rows or 1, flows, D] and b [rows or 1, flows]. */
function planarChain(inputs: GoldenTree): Bijector {
  const [rows, flows, dim] = arrayOf(inputs, 'u').shape as [number, number, number];
  const batch = rows === 1 ? [] : [rows];
  const vector = (name: string, k: number): Tensor =>
    reshape(slice(tensorOf(inputs, name), [0, k, 0], [rows, 1, dim]), [...batch, dim]);
  return chain(
    Array.from({ length: flows }, (_, k) =>
      planar({
        dim,
        constraint: 'original',
        given: { u: vector('u', k), w: vector('w', k), b: reshape(slice(tensorOf(inputs, 'b'), [0, k], [rows, 1]), batch) },
      }),
    ),
  );
}

/** Exact expectations over the noise of a model on the line: the trapezoid rule, each node an example of a batch. */
async function checkExpectations({ inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const decoder = mlp({ inputDim: 1, outputDim: 1, hidden: [] });
  assign(decoder, 'output.kernel', { rows: 1, columns: 1, at: () => arrayOf(inputs, 'w').data[0] as number });
  assign(decoder, 'output.bias', arrayOf(inputs, 'b').data);
  const [mu, logvar] = [tensorOf(inputs, 'mu'), tensorOf(inputs, 'logvar')];

  /** The sum over the nodes of weight times objective, with S draws an example. */
  const expectation =
    (samples: number, objective: Objective) =>
    (m: Tensor, v: Tensor): Tensor => {
      const { weights, noise, count } = nodesOf(samples);
      const spread = (value: Tensor): Tensor => broadcastTo(reshape(value, [1, 1]), [count, 1]);
      const x = spread(tensorOf(inputs, 'x'));
      return sum(mul(weights, objective(modelOf(spread(m), spread(v), decoder), x, noise)));
    };
  const value = (samples: number, objective: Objective): Tensor => expectation(samples, objective)(mu, logvar);
  const [reparam, importance] = [OBJECTIVES.reparam, OBJECTIVES.iwae] as [Objective, Objective];
  await check.near('elbo', value(1, reparam), TOLERANCE);
  await check.near('log_evidence', log(value(1, (model, x, eps) => exp(reparam(model, x, eps)))), TOLERANCE);
  await check.near('iwae_2', value(2, importance), TOLERANCE);

  const slopes: [string, number, string][] = [
    ['grad_mu_elbo', 1, 'reparam'],
    ['grad_mu_elbo_stl', 1, 'stl'],
    ['grad_mu_iwae_2', 2, 'iwae'],
    ['grad_mu_iwae_2_dreg', 2, 'dreg'],
    ['grad_mu_iwae_2_stl_biased', 2, 'iwae_stl'],
  ];
  for (const [path, samples, name] of slopes) {
    if (path in expected) {
      const slope = grads(expectation(samples, OBJECTIVES[name] as Objective))([mu, logvar])[0] as Tensor;
      await check.near(path, slope, GRADIENT_TOLERANCE);
    }
  }
}

/** Nodes of a standard normal, S independent ones an example: the rule converges exponentially, and e^-40 is left beyond 9. */
function nodesOf(samples: number): { weights: Tensor; noise: Tensor; count: number } {
  const [reach, step] = [9, 1 / 4];
  const line = Array.from({ length: 2 * (reach / step) + 1 }, (_, i) => i * step - reach);
  const density = (e: number): number => (step * Math.exp((-e * e) / 2)) / Math.sqrt(2 * Math.PI);
  const points = Array.from({ length: samples }).reduce<number[][]>(
    (all) => all.flatMap((point) => line.map((e) => [...point, e])),
    [[]],
  );
  const noise = Array.from({ length: samples }, (_, s) => points.map((point) => point[s] as number)).flat();
  return {
    weights: tensor(
      points.map((point) => point.reduce((product, e) => product * density(e), 1)),
      [points.length],
      'float32',
    ),
    noise: tensor(noise, [samples, points.length, 1], 'float32'),
    count: points.length,
  };
}
