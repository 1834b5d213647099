import type { Tensor } from '@tensorflow/tfjs-core';
import type { FusedKernel } from '../../core/fused.js';
import { sizeOf } from '../../core/shapes.js';
import { spreadTo } from '../../core/spreadTo.js';
import { withShape } from '../../core/withShape.js';
import { runRecorded } from '../fusedGradient.js';
import type { DenseLayer } from './dense.js';
import { ACTIVATIONS, DENSE } from './dense.js';
import type { GivenLayer } from './flatLayers.js';
import { flattened } from './flatLayers.js';

/** How the kernel is called: for as many layers at a time as it has activations for. It takes rows, and an offset for each. */
export const denseOf: FusedKernel['call'] = ([input], attributes) => {
  const x = input as Tensor;
  const { layers } = attributes as { readonly layers: readonly DenseLayer[] };
  const batch = x.shape.slice(0, -1);
  const rows = sizeOf(batch);
  const run = (h: Tensor, given: readonly GivenLayer<Tensor>[]): Tensor =>
    given.length === 0 ? h : (runRecorded(DENSE, ...flattened(h, given))[0] as Tensor);
  let h = withShape(x, [rows, x.size / rows]);
  let pending: GivenLayer<Tensor>[] = [];
  for (const { activation = 'linear', offset, ...layer } of layers) {
    const outputs = layer.kernel.shape[1] as number;
    // One that examples share is repeated for each.
    const whole = offset && offset.size !== rows * outputs ? spreadTo(offset, [...batch, outputs]) : offset;
    const given = { ...layer, offset: whole && withShape(whole, [rows, outputs]) };
    if (typeof activation !== 'function' && activation !== 'swish') {
      pending.push({ ...given, activation });
      continue;
    }
    const s = run(h, [...pending, { ...given, activation: 'linear' }]);
    // A function of the caller's sees the axes of x.
    const act = typeof activation === 'function' ? activation : ACTIVATIONS[activation];
    h = withShape(act(withShape(s, [...batch, outputs])), s.shape);
    pending = [];
  }
  const y = run(h, pending);
  return [withShape(y, [...batch, y.shape[1] as number])];
};
