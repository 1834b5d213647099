import type { Tensor } from '@tensorflow/tfjs-core';
import { registerFusedGradient, runKernel } from '../fusedGradient.js';
import type { JoinAttributes } from './join.js';
import { JOIN } from './join.js';
import type { TakeAttributes } from './take.js';
import { TAKE } from './take.js';

export function registerJoinGradient(): void {
  registerFusedGradient<JoinAttributes>({
    name: JOIN,
    outputs: 1,
    needsOutputs: () => false,
    needsInput: () => false,
    gradients: ([dy], parts, _, { places }) =>
      parts.map(({ shape }, i) => () => {
        const [indices, size] = [places[i] as readonly number[], (dy as Tensor).shape[1] as number];
        return runKernel(TAKE, [dy as Tensor], { size, inner: 1, indices, shape })[0] as Tensor;
      }),
  });
}

export function registerTakeGradient(): void {
  registerFusedGradient<TakeAttributes>({
    name: TAKE,
    outputs: 1,
    needsOutputs: () => false,
    needsInput: () => false,
    // What was taken goes back to its place.
    gradients: ([dy], [x], _, { size, inner, indices }) => {
      const places = Array.from({ length: size }, () => -1);
      indices.forEach((index, i) => {
        places[index] = i;
      });
      return runKernel(TAKE, [dy as Tensor], { size: indices.length, inner, indices: places, shape: (x as Tensor).shape });
    },
  });
}
