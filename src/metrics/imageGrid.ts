import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape, tidy, transpose } from '@tensorflow/tfjs-core';
import { checkInteger, checkOptions, invalid, isTensorLike } from '../core/errors.js';
import { sizeOf } from '../core/shapes.js';

/** What `imageGrid` takes. */
export interface ImageGridOptions {
  /** [...any, height, width, channels]. */
  readonly images: Tensor;
  /** Images in a row. Default: the last of the leading axes. */
  readonly columns?: number;
}

/**
 * One picture of many: images side by side, row by row, without gaps.
 *
 * Shape: [rows * height, columns * width, channels], fit for `tf.browser.toPixels`.
 *
 * @throws for what is no tensor of images, and where the columns do not divide their number.
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 * import { imageGrid, sprites } from 'tfjs-flows/metrics';
 *
 * const { images } = sprites({ size: 16 }).sample(12, createRng(0));
 * console.log(imageGrid({ images, columns: 4 }).shape); // => [ 48, 64, 1 ]
 * ```
 */
export function imageGrid(options: ImageGridOptions): Tensor {
  checkOptions('imageGrid', options, ['images', 'columns']);
  const { images } = options;
  if (!isTensorLike(images) || images.isDisposed || images.shape.length < 4) {
    throw invalid('imageGrid', 'options.images', 'a tensor of shape [...any, height, width, channels]', images);
  }
  const [height, width, channels] = images.shape.slice(-3) as [number, number, number];
  const leading = images.shape.slice(0, -3);
  const { columns = leading.at(-1) } = options;
  checkInteger('imageGrid', 'options.columns', columns, 1);
  const rows = sizeOf(leading) / columns;
  if (!Number.isInteger(rows)) {
    throw invalid('imageGrid', 'options.columns', `a divisor of ${sizeOf(leading)}, the number of images`, columns);
  }
  return tidy(() => {
    const lines = reshape(images, [rows, columns, height, width * channels]);
    return reshape(transpose(lines, [0, 2, 1, 3]), [rows * height, columns * width, channels]);
  });
}
