import type { Tensor } from '@tensorflow/tfjs-core';
import { add } from '@tensorflow/tfjs-core';
import { SUM } from '../../core/addAll.js';
import { share } from '../../core/share.js';
import { registerFusedGradient, runRecorded } from '../fusedGradient.js';

/** How the kernel is called: it adds tensors of one shape, and leaves what broadcasts to TensorFlow.js. */
export const sumOrBroadcast = (terms: readonly Tensor[]): Tensor[] =>
  terms.every(({ shape }) => `${shape}` === `${(terms[0] as Tensor).shape}`) ? runRecorded(SUM, terms, {}) : [addUp(terms)];

export function registerSumGradient(): void {
  registerFusedGradient({
    name: SUM,
    outputs: 1,
    needsOutputs: () => false,
    needsInput: () => false,
    composed: (terms) => [addUp(terms)],
    gradients: ([dy], terms) => terms.map(() => () => share(dy as Tensor)),
  });
}

const addUp = (terms: readonly Tensor[]): Tensor => terms.reduce((sum, term) => add(sum, term));
