import type { Tensor } from '@tensorflow/tfjs-core';
import {
  add,
  exp,
  eye,
  mul,
  neg,
  ones,
  reshape,
  softplus,
  sub,
  tensor,
  tensor1d,
  tensor2d,
  transpose,
  unstack,
} from '@tensorflow/tfjs-core';
import type { Bijector, Transformer } from 'tfjs-flows';
import {
  actNorm,
  chain,
  convNet,
  coupling,
  defineTransformer,
  invert,
  invertibleConv1x1,
  permutation,
  squeeze2d,
} from 'tfjs-flows';
import { pluOf } from '../../../src/core/randomRotation.js';
import type { GoldenCase, GoldenTree } from '../cases.js';
import { arrayOf, tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';
import type { State } from './state.js';
import { assign, stateOfCase } from './state.js';

const TOLERANCE = 1e-5;

/** The layers of Glow, images as [C, H, W]; ours have the channels last. */
export const glowAdapter: Adapter = async (golden, check) => {
  const { inputs, expected } = golden;
  if ('channel_mean' in expected) {
    await checkActNorm(golden, check);
  } else if ('channelwise' in expected) {
    await checkSqueeze(golden, check);
  } else if ('state' in inputs && 'hidden' in golden.params) {
    await checkStep(golden, check);
  } else if ('C' in golden.params) {
    await checkConvolution(golden, check);
  } else {
    throw unknown('case with the results', Object.keys(expected));
  }
};

const channelsLast = (image: Tensor): Tensor => transpose(image, [0, 2, 3, 1]);
const channelsFirst = (image: Tensor): Tensor => transpose(image, [0, 3, 1, 2]);

/** Both orders, and back again. */
async function checkSqueeze({ params, inputs }: GoldenCase, check: Check): Promise<void> {
  const x = channelsLast(tensorOf(inputs, 'x'));
  const factor = params.factor as number;
  for (const [path, order] of [
    ['channelwise', 'channelwise'],
    ['ordered', 'spaceToDepth'],
  ] as const) {
    const bijector = squeeze2d({ factor, order });
    const [y, logDet] = bijector.forwardAndLogDet(x);
    await check.near(path, channelsFirst(y), 0);
    await check.agree(`${path}, back`, bijector.inverse(y), x, 0);
    if (path === 'channelwise') {
      await check.near('logDet', logDet, 0);
    }
  }
}

/**
 * Our own initialisation from the data, which takes the standard deviation of all that it sees; and the libraries' scales and
 * shifts in our layer, in the direction that they have.
 */
async function checkActNorm({ params, inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const x = tensorOf(inputs, 'x');
  const image = x.rank === 4;
  const dim = x.shape[1] as number;
  const make = (): Bijector => actNorm({ dim, eventRank: image ? 3 : 1 });
  const ours = (value: Tensor): Tensor => (image ? channelsLast(value) : value);
  const theirs = (value: Tensor): Tensor => (image ? channelsFirst(value) : value);
  const pixels = image ? (x.shape[2] as number) * (x.shape[3] as number) : 1;

  const initialised = make();
  initialised.initialize?.(ours(x));
  await check.near('channel_mean', initialised.parameters.shift as Tensor, TOLERANCE);
  await check.near('channel_std_biased', exp(initialised.parameters.logScale as Tensor), TOLERANCE);

  const layer = make();
  assign(layer, 'logScale', arrayOf(expected, 'log_scale').data);
  assign(layer, 'shift', arrayOf(expected, 'shift').data);
  check.aside('how the libraries initialise, not ours', 'log_scale', 'shift', 'channel_std_unbiased');
  const map = String(params.map).replaceAll(' ', '').split('=')[1];
  const direction = { 'x*exp(log_scale)+shift': 'forward', '(x-shift)*exp(-log_scale)': 'inverse' }[map ?? ''] as
    | 'forward'
    | 'inverse'
    | undefined;
  if (direction === undefined) {
    throw unknown('map', params.map);
  }
  for (const [from, to, logDetPath] of [
    ['x', 'y' in expected ? 'y' : 'z', 'logDet'],
    ['x_second', 'y_second', 'logDet_second'],
  ] as const) {
    if (from in inputs) {
      const [y, logDet] = layer[`${direction}AndLogDet`](ours(tensorOf(inputs, from)));
      await check.near(to, theirs(y), TOLERANCE);
      await check.near(logDetPath, logDet, TOLERANCE * pixels);
    }
  }
}

/** W = P L U with the parts of a case, or found for its dense matrix. */
async function checkConvolution({ params, inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const dim = params.C as number;
  const pixels = (params.H as number) * (params.W as number);
  const bijector = 'state' in inputs ? permutedConvolution(dim, stateOfCase(inputs)) : convolutionOf(dim, factorsOf(inputs));
  const [y, logDet] = bijector.forwardAndLogDet(channelsLast(tensorOf(inputs, 'x')));
  await check.near('y', channelsFirst(y), TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE * pixels);
  if ('weight' in expected) {
    const columns = bijector.forward(reshape(eye(dim), [dim, 1, 1, dim]));
    await check.near('weight', transpose(reshape(columns, [dim, dim])), TOLERANCE);
  }
  if ('x_from_y' in expected) {
    await check.near('x_from_y', channelsFirst(bijector.inverse(y)), TOLERANCE);
  }
  if ('lower' in expected) {
    check.aside('arranged inputs', 'lower', 'upper');
  }
  await checkRoundTrip(check, bijector, y, TOLERANCE * pixels);
}

/** Factors by the names of our module. */
type Factors = Readonly<Record<'lower' | 'upper' | 'permutation' | 'logScale' | 'sign', Tensor>>;

function convolutionOf(dim: number, factors: Factors, bias?: Tensor): Bijector {
  const layer = invertibleConv1x1({ dim, bias: bias !== undefined });
  for (const [name, value] of Object.entries({ ...factors, ...(bias === undefined ? {} : { bias }) })) {
    (layer.parameters[name] ?? layer.buffers[name])?.assign(value);
  }
  return layer;
}

function factorsOf(inputs: GoldenTree): Factors {
  if ('weight' in inputs) {
    const { shape, data } = arrayOf(inputs, 'weight');
    const columns = shape[1] as number;
    const { lower, upper, permutation, scales } = pluOf(
      Array.from({ length: columns }, (_, row) => data.slice(row * columns, (row + 1) * columns)),
    );
    return {
      lower: tensor2d(lower as number[][]),
      upper: tensor2d(upper as number[][]),
      permutation: tensor2d(permutation as number[][]),
      logScale: tensor1d(scales.map((scale) => Math.log(Math.abs(scale)))),
      sign: tensor1d(scales.map(Math.sign)),
    };
  }
  const [permutation, lower, upper, sign, logScale] = ['P', 'L', 'U', 'sign_S', 'log_S'].map((name) =>
    tensorOf(inputs, name),
  ) as [Tensor, Tensor, Tensor, Tensor, Tensor];
  return { permutation, lower, upper, sign, logScale };
}

/** nflows: y = L U x[permutation] + bias, the strict triangles row by row. */
function permutedConvolution(dim: number, state: State): Bijector {
  const numbers = (name: string): number[] => Array.from(state.get(name).data);
  const triangle = (name: string, inside: (row: number, column: number) => boolean): Tensor => {
    const entries = numbers(name);
    const places = Array.from({ length: dim }, (_, i) => i);
    return tensor2d(places.map((row) => places.map((column) => (inside(row, column) ? (entries.shift() as number) : 0))));
  };
  const layer = convolutionOf(
    dim,
    {
      lower: triangle('lower_entries', (row, column) => row > column),
      upper: triangle('upper_entries', (row, column) => row < column),
      permutation: eye(dim),
      logScale: tensor1d(numbers('unconstrained_upper_diag').map((raw) => Math.log(Math.log1p(Math.exp(raw)) + 0.001))),
      sign: ones([dim]),
    },
    tensor1d(numbers('bias')),
  );
  return chain([permutation({ order: numbers('permutation._permutation') }), layer]);
}

/** From data to latent: activation normalisation, 1x1 convolution, affine coupling. */
async function checkStep({ params, inputs }: GoldenCase, check: Check): Promise<void> {
  const state = stateOfCase(inputs);
  const tensorAt = (name: string, shape?: number[]): Tensor => {
    const array = state.get(name);
    return tensor(Array.from(array.data), shape ?? [...array.shape], 'float32');
  };
  const dim = params.C as number;
  const norm = actNorm({ dim, eventRank: 3 });
  assign(norm, 'logScale', state.get('flows.2.s').data);
  assign(norm, 'shift', state.get('flows.2.t').data);
  const mix = convolutionOf(dim, {
    permutation: tensorAt('flows.1.P'),
    lower: tensorAt('flows.1.L'),
    upper: tensorAt('flows.1.U'),
    sign: tensorAt('flows.1.sign_S'),
    logScale: tensorAt('flows.1.log_S'),
  });
  const layers = ['hidden0', 'hidden1', 'output'];
  const gated = coupling({
    shape: [params.H as number, params.W as number, dim],
    transformer: SHIFT_THEN_GATE,
    conditioner: (sizes) => {
      const network = convNet({ ...sizes, hidden: [params.hidden as number, params.hidden as number] });
      layers.forEach((name, i) => {
        const path = `flows.0.flows.1.param_map.net.${2 * i}`;
        network.parameters[`${name}.kernel`]?.assign(transpose(tensorAt(`${path}.weight`), [2, 3, 1, 0]));
        assign(network, `${name}.bias`, state.get(`${path}.bias`).data);
      });
      return network;
    },
  });
  const bijector = chain([invert(norm), mix, gated]);
  const pixels = (params.H as number) * (params.W as number);
  const [z, logDet] = bijector.forwardAndLogDet(channelsLast(tensorOf(inputs, 'x')));
  await check.near('z', channelsFirst(z), TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE * pixels);
  await check.near('x_from_z', channelsFirst(bijector.inverse(z)), TOLERANCE);
}

/** y = (x - shift) sigmoid(raw + 2). */
const SHIFT_THEN_GATE: Transformer = defineTransformer({
  name: 'shiftThenGate',
  parameterSize: 2,
  forwardCost: 'parallel',
  inverseCost: 'parallel',
  forwardAndLogDerivative: (x, parameters) => {
    const [shift, logGate] = shiftAndLogGate(x, parameters);
    return [mul(sub(x, shift), exp(logGate)), logGate];
  },
  inverseAndLogDerivative: (y, parameters) => {
    const [shift, logGate] = shiftAndLogGate(y, parameters);
    return [add(mul(y, exp(neg(logGate))), shift), neg(logGate)];
  },
});

function shiftAndLogGate(x: Tensor, parameters: Tensor): [shift: Tensor, logGate: Tensor] {
  const [shift, raw] = unstack(parameters, -1) as [Tensor, Tensor];
  return [reshape(shift, x.shape), reshape(neg(softplus(neg(add(raw, 2)))), x.shape)];
}
