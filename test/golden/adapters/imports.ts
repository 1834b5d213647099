import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape, tensor } from '@tensorflow/tfjs-core';
import type { Bijector } from 'tfjs-flows';
import { chain, coupling, diagNormal, flow, invert, planar } from 'tfjs-flows';
import type { Safetensors } from 'tfjs-flows/io';
import { decodeSafetensors } from 'tfjs-flows/io';
import type { GoldenCase } from '../cases.js';
import { tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';
import { transformerOf } from './affineTransformers.js';
import { checkMaf, nflowsSteps, zukoSteps } from './madeMafIaf.js';
import { activationNamed, fromBlocks, residualNetOf } from './networks.js';
import { activationOf } from './planar.js';
import type { State } from './state.js';
import { stateOf } from './state.js';

const TOLERANCE = 5e-5;

/** Published models from safetensors files. */
export const importsAdapter: Adapter = async (golden, check, folder) => {
  const { params } = golden;
  const file = decodeSafetensors(readFileSync(join(folder, params.file as string)));
  checkParameters(params.parameters as ParameterList, file);
  const model = params.library === undefined ? 'tensors' : `${params.library} ${String(params.class).split('(')[0]}`;
  const state = stateOf(
    new Map([...file.tensors].map(([name, { shape, data }]) => [name, { shape, data: Array.from(data, Number) }])),
  );
  switch (model) {
    case 'tensors':
      return checkTensors(golden, check, file);
    case 'nflows MaskedAutoregressiveFlow':
      return checkMaf(golden, check, invert(chain(nflowsSteps(params, state))), TOLERANCE);
    case 'nflows SimpleRealNVP':
      return checkMaf(golden, check, invert(chain(couplings(params, state))), TOLERANCE);
    case 'zuko MAF':
    case 'zuko NSF':
      return checkMaf(golden, check, invert(chain(zukoSteps(params, state))), TOLERANCE);
    case 'normflows NormalizingFlow':
      return checkPlanarFlow(golden, check, state);
    default:
      throw unknown('model', model);
  }
};

type ParameterList = readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }[];

/** The file has the tensors that the case lists, in dtype and shape. */
function checkParameters(parameters: ParameterList, { tensors }: Safetensors): void {
  for (const { name, dtype, shape } of parameters) {
    const found = tensors.get(name);
    if (found?.dtype !== dtype || found.shape.join() !== shape.join()) {
      throw new Error(`'${name}' should be ${dtype} [${shape.join(', ')}], but is ${found?.dtype} [${found?.shape.join(', ')}]`);
    }
  }
  if (tensors.size !== parameters.length) {
    throw new Error(`the file has ${tensors.size} tensors, the case lists ${parameters.length}`);
  }
}

/** Every value of every dtype, and the metadata. */
async function checkTensors({ params, expected }: GoldenCase, check: Check, { tensors, metadata }: Safetensors): Promise<void> {
  for (const name of Object.keys(expected)) {
    check.nearNumbers(name, Array.from(tensors.get(name)?.data ?? [], Number), 0);
  }
  const given = Object.entries((params.metadata ?? {}) as Record<string, string>);
  check.small('the metadata', given.filter(([key, value]) => metadata[key] !== value).length, 0);
}

/** Coupling layers of nflows with residual networks: x passes layer 0 first. */
function couplings(params: GoldenCase['params'], state: State): Bijector[] {
  const transformer = transformerOf(params.scale);
  if (params.conditioner_output !== '[shift (first half), a (second half)]' || params.mask_1_means !== 'transformed') {
    throw unknown('layout', { output: params.conditioner_output, mask: params.mask_1_means });
  }
  return (params.masks as number[][]).map((entries, i) => {
    const mask = entries.map((entry) => entry === 1);
    const outputs = fromBlocks(mask.filter(Boolean).length, [0, 1]);
    const network = residualNetOf(
      state.under(`_transform._transforms.${i}.transform_net.`),
      activationNamed(params.activation),
      outputs,
    );
    return coupling({ dim: mask.length, mask, transformer, conditioner: () => network });
  });
}

/** Planar flows over a normal base: flows.0 first. */
async function checkPlanarFlow({ params, inputs, expected }: GoldenCase, check: Check, state: State): Promise<void> {
  const activation = activationOf(params.act);
  const dim = params.features as number;
  const vector = (name: string, shape: readonly number[] = [dim]): Tensor =>
    reshape(tensor(Float32Array.from(state.get(name).data as number[])), [...shape]);
  const bijector = chain(
    Array.from({ length: params.layers as number }, (_, k) =>
      planar({
        dim,
        constraint: 'original',
        activation,
        given: { u: vector(`flows.${k}.u`), w: vector(`flows.${k}.w`), b: vector(`flows.${k}.b`, []) },
      }),
    ),
  );
  const distribution = flow({ base: diagNormal({ mean: vector('q0.loc'), logScale: vector('q0.log_scale') }), bijector });
  const [x, logDet] = bijector.forwardAndLogDet(tensorOf(inputs, 'z'));
  await check.near('x', x, TOLERANCE);
  await check.near('logDet_z_to_x', logDet, TOLERANCE);
  await check.near('log_prob_x', distribution.logProb(tensorOf(expected, 'x')), TOLERANCE);
  if ('log_prob_at_data' in expected) {
    await check.near('log_prob_at_data', distribution.logProb(tensorOf(inputs, 'data')), TOLERANCE);
  }
}
