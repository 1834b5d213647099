import type { Tensor } from '@tensorflow/tfjs-core';
import { add, matMul } from '@tensorflow/tfjs-core';
import { withShape } from '../../core/withShape.js';

/**
 * x W + b over the last axis of x: [..., in] x [in, out] + [out] -> [..., out].
 *
 * A plain product: on WASM its gradients, products with a transposed operand, are fast where `useBackend` chose the backend.
 */
export function multiply(x: Tensor, kernel: Tensor, bias?: Tensor): Tensor {
  const [inputs, outputs] = kernel.shape as [number, number];
  const product = matMul(withShape(x, [x.size / inputs, inputs]), kernel);
  return withShape(bias ? add(product, bias) : product, [...x.shape.slice(0, -1), outputs]);
}
