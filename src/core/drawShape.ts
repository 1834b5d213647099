import { checkInteger, invalid } from './errors.js';

/** Throws unless the option `shape` of a draw is a list of sizes. */
export function checkDrawShape(where: string, shape: unknown): asserts shape is readonly number[] {
  if (!Array.isArray(shape)) {
    throw invalid(where, 'options.shape', 'a list of sizes', shape);
  }
  shape.forEach((size, i) => {
    checkInteger(where, `options.shape[${i}]`, size, 0);
  });
}
