import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { engine, keep, mean, stack, tidy } from '@tensorflow/tfjs-core';
import { invalid, isTensorLike } from '../core/errors.js';
import { norm } from '../kernels/adam/norm.js';

/** What one pass gives; the caller disposes all of it. */
export interface Gradients {
  /** [mean loss, sqrt of the sum of all squared gradient elements]: one tensor, hence one readback. */
  readonly lossAndNorm: Tensor;
  /** By parameter; undefined where the loss does not depend on it. */
  readonly gradients: readonly (Tensor | undefined)[];
}

/** The mean of a loss and its gradients. Where the loss throws, nothing is left behind. */
export function lossAndGradients(loss: () => Tensor, parameters: readonly Variable[]): Gradients {
  const scalarLoss = (): Scalar => {
    const value = loss();
    if (!isTensorLike(value) || value.dtype !== 'float32') {
      throw invalid('fit', 'what options.loss returns', 'a float32 tensor', value);
    }
    return mean(value);
  };
  try {
    return tidy(() => {
      const { value, grads } = engine().gradients(scalarLoss, [...parameters], undefined, true);
      // With allowNoGradients TensorFlow.js leaves holes, whatever its types say.
      const gradients = grads as (Tensor | undefined)[];
      for (const gradient of gradients) {
        if (gradient !== undefined) keep(gradient);
      }
      const known = gradients.filter((gradient) => gradient !== undefined);
      return { lossAndNorm: keep(stack([value, norm(known)])), gradients };
    });
  } catch (error) {
    freeTape();
    throw error;
  }
}

/** TensorFlow.js frees what it saved for the backward pass only at the end of one. */
function freeTape(): void {
  const { state } = engine();
  if (state.gradientDepth === 0 && state.activeTape != null) {
    for (const node of state.activeTape) {
      for (const saved of node.saved ?? []) {
        if (!saved.isDisposed) saved.dispose();
      }
    }
    state.activeTape = [];
  }
}
