import { mul, tidy } from '@tensorflow/tfjs-core';
import { checkNumber, checkOptions, invalid } from '../core/errors.js';
import type { Module } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';

/**
 * Draws every parameter of a module anew from N(0, scale^2). Initial values are near the identity, where most mistakes do
 * not show: laws are to be checked at scale 1.
 *
 * @throws for what is no module, a scale that is no finite number, an unknown option.
 * @example
 * ```ts
 * import { createRng, planar } from 'tfjs-flows';
 * import { randomizeParameters } from 'tfjs-flows/testing';
 *
 * const flow = planar({ dim: 2 });
 * randomizeParameters(flow, { rng: createRng(0) });
 * console.log(flow.parameters.b!.dataSync()[0] !== 0); // => true
 * ```
 */
export function randomizeParameters(module: Module, options: { readonly rng?: Rng; readonly scale?: number } = {}): void {
  checkOptions('randomizeParameters', options, ['rng', 'scale']);
  const { rng = createRng(), scale = 1 } = options;
  checkNumber('randomizeParameters', 'options.scale', scale);
  if (module?.parameters === undefined) {
    throw invalid('randomizeParameters', 'module', 'something with parameters', module);
  }
  for (const value of Object.values(module.parameters)) {
    tidy(() => value.assign(mul(rng.normal(value.shape), scale)));
  }
}
