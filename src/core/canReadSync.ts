import { getBackend } from '@tensorflow/tfjs-core';

/**
 * Whether a tensor can be read without waiting: WebGPU cannot in Node, and in a browser only by way of a canvas, which costs the
 * whole device where graphics are by software.
 */
export function canReadSync(backend: string = getBackend()): boolean {
  return backend !== 'webgpu';
}
