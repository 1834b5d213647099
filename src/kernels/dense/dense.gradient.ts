import type { Tensor } from '@tensorflow/tfjs-core';
import { registerFusedGradient, runKernel } from '../fusedGradient.js';
import type { DenseAttributes } from './dense.js';
import { composedDense, DENSE } from './dense.js';

/** dy act'(y), where there is an activation, and its column sums. Inputs dy and y, both [rows, out]. */
export const DENSE_DELTA = 'FlowsDenseDelta';
/** A product with transposes and masks. Inputs a, b and the mask that there is. */
export const PRODUCT = 'FlowsProduct';

/** What `PRODUCT` is told. */
export interface ProductAttributes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Whether the mask is of b, as it lies in memory, or of the result. */
  readonly mask?: 'b' | 'result' | undefined;
}

export function registerDenseGradient(): void {
  registerFusedGradient<DenseAttributes>({
    name: DENSE,
    needsInput: (i, { parts }) => i < 2 || parts[i - 2] === 'mask',
    needsOutputs: ({ activation }) => activation !== 'linear',
    // Second derivatives: every product of the composed form is a kernel of this name without an activation.
    composed: (inputs, attributes) => [composedDense(inputs, attributes)],
    gradients: ([dy], [x, kernel, ...rest], [y], { parts, activation }) => {
      const mask = rest[parts.indexOf('mask')];
      const isLinear = activation === 'linear';
      const hasBias = parts.includes('bias');
      const made = isLinear && !hasBias ? [] : runKernel(DENSE_DELTA, [dy as Tensor, y ?? (dy as Tensor)], { activation });
      const delta = (isLinear ? dy : made[1]) as Tensor;
      const product = (a: Tensor, b: Tensor, attributes: ProductAttributes): Tensor =>
        runKernel(PRODUCT, mask === undefined ? [a, b] : [a, b, mask], attributes)[0] as Tensor;
      const ofMask = (what: 'b' | 'result'): 'b' | 'result' | undefined => (mask === undefined ? undefined : what);
      const ofParts = { bias: () => made[0] as Tensor, offset: () => delta, mask: () => maskHasNone() };
      return [
        () => product(delta, kernel as Tensor, { transposeB: true, mask: ofMask('b') }),
        () => product(x as Tensor, delta, { transposeA: true, mask: ofMask('result') }),
        ...parts.map((part) => ofParts[part]),
      ];
    },
  });
}

function maskHasNone(): never {
  throw new Error('dense: a mask has no gradient.');
}
