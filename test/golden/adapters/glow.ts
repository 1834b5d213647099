import type { Tensor } from '@tensorflow/tfjs-core';
import { exp, transpose } from '@tensorflow/tfjs-core';
import type { Bijector } from 'tfjs-flows';
import { actNorm, squeeze2d } from 'tfjs-flows';
import type { GoldenCase } from '../cases.js';
import { arrayOf, tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import type { Adapter } from './adapter.js';
import { awaiting, unknown } from './adapter.js';
import { assign } from './state.js';

const TOLERANCE = 1e-5;

/** The layers of Glow, images as [C, H, W]; ours have the channels last. */
export const glowAdapter: Adapter = async (golden, check, folder) => {
  const { inputs, expected } = golden;
  if ('channel_mean' in expected) {
    await checkActNorm(golden, check);
  } else if ('channelwise' in expected) {
    await checkSqueeze(golden, check);
  } else if ('state' in inputs && 'hidden' in golden.params) {
    await awaiting('invertibleConv1x1', 'convNet')(golden, check, folder);
  } else if ('C' in golden.params) {
    await awaiting('invertibleConv1x1')(golden, check, folder);
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
