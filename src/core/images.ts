import { checkInteger, invalid } from './errors.js';

/** Height, width and channels of an image, channels last. */
export type ImageShape = readonly [height: number, width: number, channels: number];

/** Throws unless `options.shape` is three positive integers. */
export function checkImageShape(where: string, shape: unknown): asserts shape is ImageShape {
  if (!Array.isArray(shape) || shape.length !== 3) {
    throw invalid(where, 'options.shape', 'an image shape [height, width, channels]', shape);
  }
  shape.forEach((size, i) => {
    checkInteger(where, `options.shape[${i}]`, size, 1);
  });
}
