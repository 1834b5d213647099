import type { GradSaveFunc, Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { concat, customGrad, matMul, pad, reshape, reverse, slice, transpose } from '@tensorflow/tfjs-core';
import { multiply } from '../dense/multiply.js';

/**
 * Convolution of images with stride 1 and zeros around them, so that the size stays (cross-correlation, as in every library of
 * networks): x [N, H, W, in], kernel [k, k, in, out] with k odd -> [N, H, W, out].
 *
 * One product of the k x k neighbours of every pixel with the kernel. The gradient in x is the convolution with the kernel turned
 * round, that in the kernel one product more: WASM has no kernel of its own for the latter, and these ops are everywhere.
 */
export function convolve2d(x: Tensor4D, kernel: Tensor4D): Tensor4D {
  const [size, , inputs, outputs] = kernel.shape;
  if (size === 1) {
    return multiply(x, reshape(kernel, [inputs, outputs])) as Tensor4D;
  }
  return customGrad((a: Tensor | GradSaveFunc, b: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const [image, weights] = [a as Tensor4D, b as Tensor4D];
    (save as GradSaveFunc)([image, weights]);
    return {
      value: product(image, weights),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [savedImage, savedWeights] = saved as [Tensor4D, Tensor4D];
        const turned = transpose(reverse(savedWeights, [0, 1]), [0, 1, 3, 2]) as Tensor4D;
        const rows = reshape(dy, [-1, outputs]) as Tensor2D;
        const inKernel = matMul(transpose(neighbours(savedImage, size)), rows);
        return [convolve2d(dy as Tensor4D, turned), reshape(inKernel, savedWeights.shape)];
      },
    };
  })(x, kernel) as Tensor4D;
}

function product(x: Tensor4D, kernel: Tensor4D): Tensor4D {
  const [size, , inputs, outputs] = kernel.shape;
  const [count, height, width] = x.shape;
  const weights = reshape(kernel, [size * size * inputs, outputs]) as Tensor2D;
  return reshape(matMul(neighbours(x, size), weights), [count, height, width, outputs]);
}

/** The k x k pixels around each: a row a pixel, [N H W, k k in]. */
function neighbours(x: Tensor4D, size: number): Tensor2D {
  const [count, height, width, inputs] = x.shape;
  const reach = (size - 1) / 2;
  const padded = pad(x, [
    [0, 0],
    [reach, reach],
    [reach, reach],
    [0, 0],
  ]);
  const shifted = Array.from({ length: size * size }, (_, i) =>
    slice(padded, [0, Math.floor(i / size), i % size, 0], [count, height, width, inputs]),
  );
  return reshape(concat(shifted, 3), [-1, size * size * inputs]) as Tensor2D;
}
