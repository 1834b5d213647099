import type { Tensor } from '@tensorflow/tfjs-core';
import { concat, split } from '@tensorflow/tfjs-core';
import type { FusedAttributes, FusedKernel } from '../../core/fused.js';
import { runRecorded } from '../fusedGradient.js';
import { SPLINE } from './spline.js';

/**
 * How the kernel is called: with parameters in one tensor. Those in three are put together where none broadcasts otherwise than along
 * leading axes, all of them the same.
 */
export const splineOf: FusedKernel['call'] = (inputs, attributes) => {
  const [x, ...parts] = inputs as [Tensor, ...Tensor[]];
  if (parts.length === 1) {
    return runRecorded(SPLINE, inputs, attributes);
  }
  const axes = `${x.shape.slice(1 - (parts[0] as Tensor).rank)}`;
  if (parts.some(({ shape }) => `${shape.slice(0, -1)}` !== axes)) {
    return undefined;
  }
  const sizes = parts.map(({ shape }) => shape[shape.length - 1] as number);
  const { composed } = attributes as FusedAttributes;
  const given: object & FusedAttributes = {
    ...attributes,
    composed: (at, joined) => composed(at as Tensor, ...split(joined as Tensor, sizes, -1)),
  };
  return runRecorded(SPLINE, [x, concat(parts, -1)], given);
};
