import { invalid } from './errors.js';

/** Throws unless the shape of a draw is a list of sizes. */
export function checkDrawShape(where: string, shape: unknown, argument = 'options.shape'): asserts shape is readonly number[] {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isInteger(size) && size >= 0)) {
    throw invalid(where, argument, 'a list of sizes', shape);
  }
}
