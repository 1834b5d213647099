import type { Tensor } from '@tensorflow/tfjs-core';
import { add, matMul, reshape } from '@tensorflow/tfjs-core';

/**
 * x W + b over the last axis of x: [..., in] x [in, out] + [out] -> [..., out].
 *
 * A plain product: on WASM its gradients, products with a transposed operand, are fast where `useBackend` chose the backend.
 */
export function multiply(x: Tensor, kernel: Tensor, bias?: Tensor): Tensor {
  const [inputs, outputs] = kernel.shape as [number, number];
  const product = matMul(x.rank === 2 ? x : reshape(x, [-1, inputs]), kernel);
  const shifted = bias ? add(product, bias) : product;
  return x.rank === 2 ? shifted : reshape(shifted, [...x.shape.slice(0, -1), outputs]);
}
