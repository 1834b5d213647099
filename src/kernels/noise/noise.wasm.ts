import type { NoiseAttributes } from '../../core/rng.js';
import { NORMALS, UNIFORMS } from '../../core/rng.js';
import { sizeOf } from '../../core/shapes.js';
import type { WasmKernels } from '../wasm/register.js';

/** Bytes that a block of numbers takes on the way. */
const SCRATCH = 64;
const TWO_32 = 2 ** 32;

export const noiseKernels: WasmKernels = {
  [NORMALS]: (instance, _, attributes) => {
    const noise = attributes as NoiseAttributes;
    const result = instance.output(noise.shape);
    instance.exports.normals(instance.address(result), ...stream(noise), instance.scratch(SCRATCH));
    return [result];
  },
  [UNIFORMS]: (instance, _, attributes) => {
    const noise = attributes as NoiseAttributes;
    const { low = 0, high = 1 } = noise;
    const result = instance.output(noise.shape);
    instance.exports.uniforms(instance.address(result), ...stream(noise), low, high - low, instance.scratch(SCRATCH));
    return [result];
  },
};

const stream = ({ key, counter, shape }: NoiseAttributes): number[] => [
  sizeOf(shape),
  ...key,
  counter % TWO_32,
  Math.floor(counter / TWO_32),
];
