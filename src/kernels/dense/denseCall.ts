import type { Tensor } from '@tensorflow/tfjs-core';
import { add } from '@tensorflow/tfjs-core';
import type { FusedKernel } from '../../core/fused.js';
import { withShape } from '../../core/withShape.js';
import { runRecorded } from '../fusedGradient.js';
import type { DenseLayer } from './dense.js';
import { ACTIVATIONS, DENSE } from './dense.js';
import type { GivenLayer } from './flatLayers.js';
import { flattened } from './flatLayers.js';

/**
 * How the kernel is called: for as many layers at a time as it has activations for.
 *
 * An offset that several examples share is added by broadcasting, which it does not do itself.
 */
export const denseOf: FusedKernel['call'] = ([input], attributes) => {
  const x = input as Tensor;
  const { layers } = attributes as { readonly layers: readonly DenseLayer[] };
  const rows = x.size / (x.shape[x.shape.length - 1] as number);
  const run = (h: Tensor, given: readonly GivenLayer<Tensor>[]): Tensor => {
    if (given.length === 0) {
      return h;
    }
    const first = withShape(h, [rows, h.size / rows]);
    const y = runRecorded(DENSE, ...flattened(first, given))[0] as Tensor;
    return withShape(y, [...x.shape.slice(0, -1), y.size / rows]);
  };
  let h = x;
  let pending: GivenLayer<Tensor>[] = [];
  for (const { activation = 'linear', offset, ...layer } of layers) {
    const outputs = layer.kernel.shape[1] as number;
    const shared = offset?.size === rows * outputs ? undefined : offset;
    const own = shared === undefined ? offset && withShape(offset, [rows, outputs]) : undefined;
    if (shared === undefined && typeof activation !== 'function' && activation !== 'swish') {
      pending.push({ ...layer, offset: own, activation });
      continue;
    }
    const product = run(h, [...pending, { ...layer, offset: own, activation: 'linear' }]);
    const s = shared ? add(product, shared) : product;
    h = typeof activation === 'function' ? activation(s) : ACTIVATIONS[activation](s);
    pending = [];
  }
  return [run(h, pending)];
};
