import type { Tensor } from '@tensorflow/tfjs-core';
import { clone, gather, reshape, stack } from '@tensorflow/tfjs-core';
import type { Bijector, Conditioner, Transformer } from 'tfjs-flows';
import { chain, coupling, flow, invert, standardNormal } from 'tfjs-flows';
import type { GoldenCase } from '../cases.js';
import { tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import { checkRoundTrip } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';
import { transformerOf } from './affineTransformers.js';
import { activationNamed, fromBlocks, mlpOf } from './networks.js';
import { stateOfCase } from './state.js';

const TOLERANCE = 1e-5;

/** Coupling layers with given parameters or with a peer's conditioner, and flows of them. */
export const affineCouplingAdapter: Adapter = async (golden, check) => {
  if (Array.isArray(golden.params.masks)) {
    await checkFlow(golden, check);
  } else if ('state' in golden.inputs) {
    await checkLayer(golden, check, await layerWithNetwork(golden, check));
  } else {
    await checkLayer(golden, check, layerWithGivenParameters(golden));
  }
};

async function checkLayer({ inputs, expected }: GoldenCase, check: Check, layer: Bijector): Promise<void> {
  const [y, logDet] = layer.forwardAndLogDet(tensorOf(inputs, 'x'));
  await check.near('y', y, TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE);
  const target = tensorOf(expected, 'y');
  const [x, inverseLogDet] = layer.inverseAndLogDet(target);
  await check.near('x_from_y', x, TOLERANCE);
  if ('logDet_inverse' in expected) {
    await check.near('logDet_inverse', inverseLogDet, TOLERANCE);
  }
  await checkRoundTrip(check, layer, target, TOLERANCE);
}

/** Log-scales and shifts are given for every entry; a layer uses those that its mask transforms. */
function layerWithGivenParameters({ params, inputs }: GoldenCase): Bijector {
  const mask = movedBy(params.mask, params.mask_1_means);
  const moved = placesOf(mask, true);
  const [shift, raw] = ['shift', 'log_scale'].map((name) => gather(tensorOf(inputs, name), moved, -1)) as [Tensor, Tensor];
  const parameters = reshape(stack([shift, raw], -1), [-1, 2 * moved.length]);
  return coupling({
    dim: mask.length,
    mask,
    transformer: transformerOf(params.scale),
    conditioner: (sizes) => ({ ...sizes, parameters: {}, buffers: {}, dispose: () => {}, apply: () => clone(parameters) }),
  });
}

/** A layer of nflows, whose conditioner's output is compared too. */
async function layerWithNetwork(golden: GoldenCase, check: Check): Promise<Bijector> {
  const { params, inputs, expected } = golden;
  const mask = movedBy(params.mask, params.mask_1_means);
  const transformer = transformerOf(params.scale);
  const moved = placesOf(mask, true);
  const outputs = outputsOf(params.conditioner_output, moved.length, transformer);
  const network = mlpOf(stateOfCase(inputs).under('transform_net.net.'), activationNamed(params.activation), outputs);
  if ('conditioner_output' in expected) {
    const ours = network.apply(gather(tensorOf(inputs, 'x'), placesOf(mask, false), -1));
    const theirs = outputs.map((_, place) => outputs.indexOf(place));
    await check.near('conditioner_output', gather(ours, theirs, -1), TOLERANCE);
  }
  return layerOf(mask, transformer, network);
}

/** Layers of nflows over a standard normal base: x passes layer 0 first. */
async function checkFlow({ params, inputs, expected }: GoldenCase, check: Check): Promise<void> {
  const state = stateOfCase(inputs);
  const transformer = transformerOf(params.scale);
  const layers = (params.masks as unknown[]).map((entries, i) => {
    const mask = movedBy(entries, params.mask_1_means);
    const outputs = outputsOf(params.conditioner_output, placesOf(mask, true).length, transformer);
    const weights = state.under(`_transforms.${i}.transform_net.net.`);
    return layerOf(mask, transformer, mlpOf(weights, activationNamed(params.activation), outputs));
  });
  const x = tensorOf(inputs, 'x');
  const dim = x.shape[x.rank - 1] as number;
  const bijector = invert(chain(layers));
  const [z, logDet] = bijector.inverseAndLogDet(x);
  await check.near('z', z, TOLERANCE);
  await check.near('logDet', logDet, TOLERANCE);
  await check.near('log_prob', flow({ base: standardNormal({ eventShape: [dim] }), bijector }).logProb(x), TOLERANCE);
  await check.near('x_from_z', bijector.forward(tensorOf(expected, 'z')), TOLERANCE);
  await checkRoundTrip(check, bijector, x, TOLERANCE);
}

const layerOf = (mask: readonly boolean[], transformer: Transformer, network: Conditioner): Bijector =>
  coupling({ dim: mask.length, mask, transformer, conditioner: () => network });

/** Which entries are transformed. */
function movedBy(mask: unknown, meaning: unknown): boolean[] {
  if (!Array.isArray(mask) || (meaning !== 'transformed' && meaning !== 'passed through')) {
    throw unknown('mask', { mask, meaning });
  }
  return mask.map((entry) => (entry === 1) === (meaning === 'transformed'));
}

const placesOf = (mask: readonly boolean[], value: boolean): number[] => mask.flatMap((entry, d) => (entry === value ? [d] : []));

/** Which of the peer's outputs is our output d P + p: blocks of all shifts, and of all numbers that the scale is made of. */
function outputsOf(layout: unknown, moved: number, transformer: Transformer): number[] {
  const blocks = { '[shift]': [0], '[shift (first half), a (second half)]': [0, 1] }[String(layout)];
  if (blocks?.length !== transformer.parameterSize) {
    throw unknown('layout', layout);
  }
  return fromBlocks(moved, blocks);
}
