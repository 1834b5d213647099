import type { TensorInfo } from '@tensorflow/tfjs-core';
import { isRecorded } from '../fusedGradient.js';
import type { ProductAttributes } from './dense.gradient.js';
import { DENSE_DELTA, PRODUCT } from './dense.gradient.js';
import type { DenseActivation } from './dense.js';
import { DENSE } from './dense.js';
import type { DenseAttributes, GivenLayer } from './flatLayers.js';
import { layersOf } from './flatLayers.js';

/** What a backend has for one layer. */
export interface LayerKernels {
  layer(x: TensorInfo, layer: GivenLayer<TensorInfo>): TensorInfo;
  /** Delta where the layer is not linear, in the memory of dy if that is not wanted any more and it suits, and its column sums. */
  delta(dy: TensorInfo, y: TensorInfo, activation: DenseActivation, isDone: boolean): [sums: TensorInfo, delta?: TensorInfo];
  product(a: TensorInfo, b: TensorInfo, mask: TensorInfo | undefined, attributes: ProductAttributes): TensorInfo;
  free(tensor: TensorInfo): void;
}

/** The kernels of dense layers. */
export function denseKernelsOf<Host>(
  kernelsOf: (host: Host) => LayerKernels,
): Readonly<Record<string, (host: Host, inputs: readonly TensorInfo[], attributes: object) => TensorInfo[]>> {
  return {
    [DENSE]: (host, [x, ...tensors], attributes) => {
      const { layer, free } = kernelsOf(host);
      const hidden: TensorInfo[] = [];
      let y = x as TensorInfo;
      for (const each of layersOf(tensors, attributes as DenseAttributes)) {
        const next = layer(y, each);
        if (y !== x) {
          if (isRecorded(attributes)) {
            hidden.push(y);
          } else {
            free(y);
          }
        }
        y = next;
      }
      return [y, ...hidden];
    },
    [DENSE_DELTA]: (host, [dy, ...rest], attributes) => {
      const { delta, product, free } = kernelsOf(host);
      const count = (attributes as DenseAttributes).activations.length;
      const layers = layersOf(rest.slice(count), attributes as DenseAttributes);
      const results: TensorInfo[] = [];
      let given = dy as TensorInfo;
      for (let i = count - 1; i >= 0; i--) {
        const { activation, kernel, mask } = layers[i] as GivenLayer<TensorInfo>;
        const [sums, made = given] = delta(given, rest[i] as TensorInfo, activation, given !== dy);
        if (given !== dy && given !== made) {
          free(given);
        }
        results.unshift(sums, ...(made === dy ? [] : [made]));
        if (i > 0) {
          given = product(made, kernel, mask, { transposeB: true, mask: 'b' });
        }
      }
      return results;
    },
    [PRODUCT]: (host, [a, b, mask], attributes) => [
      kernelsOf(host).product(a as TensorInfo, b as TensorInfo, mask, attributes as ProductAttributes),
    ],
  };
}
