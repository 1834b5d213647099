import type { GradSaveFunc, Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { add, customGrad, matMul, reshape, transpose } from '@tensorflow/tfjs-core';
import { invalid } from '../../core/errors.js';

/**
 * x W + b over the last axis of x: [..., in] x [in, out] + [out] -> [..., out].
 */
export function dense(x: Tensor, kernel: Tensor, bias?: Tensor): Tensor {
  const [inputs, outputs] = kernel.shape as [number, number];
  if (x.shape[x.shape.length - 1] !== inputs) {
    throw invalid('dense', 'x', `a tensor whose last axis has ${inputs} elements`, x);
  }
  const batch = x.shape.slice(0, -1);
  const product = multiply(reshape(x, [-1, inputs]) as Tensor2D, kernel as Tensor2D);
  const flat = bias === undefined ? product : add(product, bias);
  return reshape(flat, [...batch, outputs]);
}

/**
 * The product of two matrices.
 *
 * Its own gradient transposes explicitly and multiplies plainly: on WASM a product with a transposed operand is about 13
 * times slower than one without.
 */
export function multiply(x: Tensor2D, y: Tensor2D): Tensor2D {
  return customGrad((a: Tensor | GradSaveFunc, b: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const [left, right] = [a as Tensor2D, b as Tensor2D];
    (save as GradSaveFunc)([left, right]);
    return {
      value: matMul(left, right),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [l, r] = saved as [Tensor2D, Tensor2D];
        return [matMul(dy as Tensor2D, transpose(r)), matMul(transpose(l), dy as Tensor2D)];
      },
    };
  })(x, y) as Tensor2D;
}
