import type { Tensor } from '@tensorflow/tfjs-core';
import { add, elu, range, tidy } from '@tensorflow/tfjs-core';
import type { AutoregressiveConditioner, Bijector, CallOptions, Distribution, Transformer } from 'tfjs-flows';
import {
  affineTransformer,
  autoregressive,
  chain,
  defineModule,
  flow,
  invert,
  mlp,
  permutation,
  reversePermutation,
  splineTransformer,
  standardNormal,
} from 'tfjs-flows';
import type { GoldenCase, GoldenTree } from '../cases.js';
import { tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';
import { transformerOf } from './affineTransformers.js';
import type { Activation } from './networks.js';
import { activationNamed, nflowsMade, zukoMade } from './networks.js';
import { scriptedRng } from './scriptedRng.js';
import type { Matrix, State } from './state.js';
import { assign, masked, matrixOf, stateOfCase } from './state.js';

const TOLERANCE = 2e-5;

/** Masked networks, flows that read what they are given (MAF from x to z, IAF from noise to x), and gated steps. */
export const madeMafIafAdapter: Adapter = async (golden, check) => {
  const { params, inputs, expected } = golden;
  if ('out' in expected) {
    await checkNetwork(golden, check);
  } else if ('forget_bias' in params) {
    await checkGatedSteps(golden, check);
  } else {
    const state = stateOfCase(inputs);
    const steps = state.names.some((name) => name.includes('.hyper.')) ? zukoSteps(params, state) : nflowsSteps(params, state);
    // Each step runs its network on what it is given.
    const pass = chain(steps);
    if ('noise' in inputs) {
      await checkIaf(golden, check, pass);
    } else {
      await checkMaf(golden, check, invert(pass), TOLERANCE);
    }
  }
};

async function checkNetwork({ params, inputs }: GoldenCase, check: Check): Promise<void> {
  if (params.output_layout !== 'output[d*multiplier + k] is parameter k of feature d') {
    throw unknown('layout', params.output_layout);
  }
  const network = nflowsMade(stateOfCase(inputs), {
    ...settingsOf(params),
    places: Array.from({ length: params.output_multiplier as number }, (_, k) => k),
  });
  await check.near('out', network.apply(tensorOf(inputs, 'x')), TOLERANCE);
}

/** A flow from z to x whose inverse is one pass. */
export async function checkMaf(golden: GoldenCase, check: Check, bijector: Bijector, tolerance: number): Promise<void> {
  const { inputs, expected } = golden;
  const x = tensorOf(inputs, 'x');
  const call = callOf(inputs);
  const [z, logDet] = bijector.inverseAndLogDet(x, call);
  await check.near('z', z, tolerance);
  await check.near('logDet', logDet, tolerance);
  if ('log_prob' in expected) {
    await check.near('log_prob', flowOver(bijector, x).logProb(x, call), tolerance);
  }
  if ('x_from_z' in expected) {
    await check.near('x_from_z', bijector.forward(tensorOf(expected, 'z'), call), tolerance);
  }
  if ('x_from_noise' in expected) {
    await check.near('x_from_noise', bijector.forward(tensorOf(inputs, 'noise'), call), tolerance);
  }
  await checkRoundTrip(check, bijector, x, tolerance, call);
}

/** A flow from noise to x in one pass. */
async function checkIaf({ inputs }: GoldenCase, check: Check, bijector: Bijector): Promise<void> {
  const noise = tensorOf(inputs, 'noise');
  const call = callOf(inputs);
  const [x, logDet] = bijector.forwardAndLogDet(noise, call);
  await check.near('x', x, TOLERANCE);
  await check.near('logDet_noise_to_x', logDet, TOLERANCE);
  const distribution = flowOver(bijector, noise);
  const [drawn, logProb] = distribution.sampleAndLogProb({
    ...call,
    // A context has the batch axes already.
    shape: 'context' in call ? [] : noise.shape.slice(0, -1),
    rng: scriptedRng({ normal: noise }),
  });
  await check.near('log_prob_x', logProb, TOLERANCE);
  await check.agree('the density of a draw, through the inverse', distribution.logProb(drawn, call), logProb, TOLERANCE);
  await checkRoundTrip(check, bijector, x, TOLERANCE, call);
}

const callOf = (inputs: GoldenTree): CallOptions => ('context' in inputs ? { context: tensorOf(inputs, 'context') } : {});

const flowOver = (bijector: Bijector, x: Tensor): Distribution =>
  flow({ base: standardNormal({ eventShape: [x.shape[x.rank - 1] as number] }), bijector });

/** Where shift and raw scale of an element stand among its outputs. */
function placesOf(layout: unknown): [shift: number, raw: number] {
  const text = String(layout);
  if (text === 'output[2d] = a_d, output[2d+1] = shift_d') {
    return [1, 0];
  }
  if (text === 'output[2d] = shift_d, output[2d+1] = a_d') {
    return [0, 1];
  }
  throw unknown('layout', layout);
}

const settingsOf = (params: GoldenCase['params']): { residual: boolean; activation: Activation } => ({
  residual: params.residual === true,
  activation: activationNamed(params.activation),
});

const stepOf = (network: AutoregressiveConditioner, transformer: Transformer): Bijector =>
  autoregressive({
    dim: network.inputDim,
    contextDim: network.contextDim,
    transformer,
    conditioner: () => network,
    parallel: 'forward',
  });

/** nflows: one layer, or permutations and layers in turn. */
export function nflowsSteps(params: GoldenCase['params'], state: State): Bijector[] {
  const made = (from: State): Bijector => {
    const places = placesOf(params.output_layout ?? 'output[2d] = a_d, output[2d+1] = shift_d');
    return stepOf(nflowsMade(from.under('autoregressive_net.'), { ...settingsOf(params), places }), transformerOf(params.scale));
  };
  if (state.names.some((name) => name.startsWith('autoregressive_net.'))) {
    return [made(state)];
  }
  return numbered(state, /^_transform\._transforms\.(\d+)\./).map((i) => {
    const part = state.under(`_transform._transforms.${i}.`);
    return part.has('_permutation') ? permutation({ order: Array.from(part.get('_permutation').data, Number) }) : made(part);
  });
}

/** zuko: a masked network for each transform, in an order of its own; affine maps, or splines where the case tells of bins. */
export function zukoSteps(params: GoldenCase['params'], state: State): Bijector[] {
  const orders = params.orders as number[][];
  const [transformer, places] =
    'bins' in params ? zukoSpline(params) : [transformerOf(params.log_scale), placesOf(params.output_layout)];
  return orders.map((order, i) => {
    const weights = state.under(`transform.transforms.${i}.hyper.`);
    return stepOf(zukoMade(weights, { order, activation: activationNamed(params.activation), places }), transformer);
  });
}

function zukoSpline(params: GoldenCase['params']): [transformer: Transformer, places: number[]] {
  const transformer = splineTransformer({ bins: params.bins as number, bound: params.bound as number, constraint: 'bounded' });
  const places = Array.from({ length: transformer.parameterSize }, (_, k) => k);
  const [bins, inner] = [params.bins as number, (params.bins as number) - 1];
  const layout = `output[d*${places.length} + k]: ${bins} widths, ${bins} heights, ${inner} derivatives of feature d`;
  if (params.output_layout !== layout || params.slope !== 0.001) {
    throw unknown('layout', params.output_layout);
  }
  return [transformer, places];
}

const numbered = (state: State, pattern: RegExp): number[] =>
  [...new Set(state.names.flatMap((name) => pattern.exec(name)?.[1] ?? []))].map(Number).sort((a, b) => a - b);

/** Steps z <- g z + (1 - g) m, the features reversed before every second one. */
async function checkGatedSteps({ params, inputs }: GoldenCase, check: Check): Promise<void> {
  const state = stateOfCase(inputs);
  if (params.activation !== 'elu') {
    throw unknown('activation', params.activation);
  }
  const transformer = affineTransformer({ scale: 'gate', offset: params.forget_bias as number });
  const steps = numbered(state, /^(\d+)\./).flatMap((i) => {
    const network = gatedNetwork(state.under(`${i}.`));
    const { inputDim: dim, contextDim } = network;
    const step = autoregressive({ dim, contextDim, transformer, conditioner: () => network, parallel: 'forward' });
    return i % 2 === 1 ? [reversePermutation({ dim }), step] : [step];
  });
  const bijector = chain(steps);
  const call = { context: tensorOf(inputs, 'context') };
  const [z, logDet] = bijector.forwardAndLogDet(tensorOf(inputs, 'z'), call);
  await check.near('z_out', z, TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE);
  await checkRoundTrip(check, bijector, z, TOLERANCE, call);
}

/** h = elu(L1(z)) + context, then elu(L2(h)), then mean and gate: the context comes after the activation, so `made` has no place for it. */
function gatedNetwork(state: State): AutoregressiveConditioner {
  const kernel = (name: string): Matrix => masked(matrixOf(state.get(`${name}.weight`)), matrixOf(state.get(`${name}.mask`)));
  const bias = (name: string): ArrayLike<number> => state.get(`${name}.bias`).data;
  const { rows: dim, columns: width } = kernel('z_feats');

  const first = mlp({ inputDim: dim, outputDim: width, hidden: [] });
  assign(first, 'output.kernel', kernel('z_feats'));
  assign(first, 'output.bias', bias('z_feats'));

  const rest = mlp({ inputDim: width, outputDim: 2 * dim, hidden: [width], activation: 'elu' });
  assign(rest, 'hidden0.kernel', kernel('zh_feats'));
  assign(rest, 'hidden0.bias', bias('zh_feats'));
  const [mean, gate] = [kernel('mean'), kernel('gate')];
  assign(rest, 'output.kernel', {
    rows: width,
    columns: 2 * dim,
    at: (row, column) => (column % 2 === 0 ? mean : gate).at(row, Math.floor(column / 2)),
  });
  const biases = [bias('mean'), bias('gate')];
  assign(
    rest,
    'output.bias',
    Array.from({ length: 2 * dim }, (_, i) => biases[i % 2]?.[Math.floor(i / 2)] as number),
  );
  return {
    ...defineModule({ parts: { first, rest } }),
    inputDim: dim,
    outputDim: 2 * dim,
    contextDim: width,
    order: range(0, dim, 1, 'int32'),
    apply: (z, call = {}) => tidy(() => rest.apply(add(elu(first.apply(z, call)), call.context as Tensor), call)),
  };
}
