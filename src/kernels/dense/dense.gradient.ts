import type { Tensor } from '@tensorflow/tfjs-core';
import { registerFusedGradient, runKernel } from '../fusedGradient.js';
import { composedLayers, DENSE } from './dense.js';
import type { DenseAttributes } from './flatLayers.js';
import { layersOf } from './flatLayers.js';

/**
 * What the gradients of layers begin with: for each layer, delta = dy act'(y), and its column sums, the gradient of the bias.
 *
 * Inputs dy, the outputs of each layer, and the tensors of each, as of the layers' own kernel. Outputs are the sums and delta of the
 * first layer, those of the second, ... If the last layer is linear its delta is dy, and none is put out.
 */
export const DENSE_DELTA = 'FlowsDenseDelta';
/** A product with transposes and masks. Inputs a, b and the mask that there is. */
export const PRODUCT = 'FlowsProduct';

/** What `PRODUCT` is told. */
export interface ProductAttributes {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Whether the mask, if there is one, is of b, as it lies in memory, or of the result. */
  readonly mask?: 'b' | 'result' | undefined;
}

export function registerDenseGradient(): void {
  registerFusedGradient<DenseAttributes>({
    name: DENSE,
    outputs: 1,
    needsOutputs: ({ activations }) => activations[activations.length - 1] !== 'linear',
    // Second derivatives: every product of the composed form is a kernel of this name without an activation.
    composed: ([x, ...tensors], attributes) => [composedLayers(x as Tensor, layersOf(tensors, attributes))],
    gradients: ([dy], [x, ...tensors], outputs, attributes) => {
      const layers = layersOf(tensors, attributes);
      const last = layers.length - 1;
      // Those of hidden layers, and of the last where its activation wants them.
      const values = [...outputs.slice(0, last), outputs[last] ?? dy] as Tensor[];
      const isBare = last === 0 && attributes.activations[0] === 'linear' && layers[0]?.bias === undefined;
      const made = isBare ? [] : runKernel(DENSE_DELTA, [dy as Tensor, ...values, ...tensors], attributes);
      const product = (a: Tensor, b: Tensor, mask: Tensor | undefined, settings: ProductAttributes): Tensor =>
        runKernel(PRODUCT, mask === undefined ? [a, b] : [a, b, mask], settings)[0] as Tensor;
      const deltaOf = (i: number): Tensor => made[2 * i + 1] ?? (dy as Tensor);
      const [first] = layers;
      let layer = -1;
      return [
        () => product(deltaOf(0), first?.kernel as Tensor, first?.mask, { transposeB: true, mask: 'b' }),
        ...attributes.roles.map((role) => {
          layer += role === 'kernel' ? 1 : 0;
          const i = layer;
          const before = i === 0 ? (x as Tensor) : (values[i - 1] as Tensor);
          return {
            kernel: () => product(before, deltaOf(i), layers[i]?.mask, { transposeA: true, mask: 'result' }),
            bias: () => made[2 * i] as Tensor,
            offset: () => deltaOf(i),
            mask: maskHasNone,
          }[role];
        }),
      ];
    },
  });
}

function maskHasNone(): never {
  throw new Error('dense: a mask has no gradient.');
}
