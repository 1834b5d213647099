import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';

/** An array of a golden file. */
export interface GoldenArray {
  readonly shape: number[];
  readonly data: number[];
}

/** A case of a golden file, with its arrays as they stand there. */
export interface GoldenCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, GoldenArray>>;
  readonly expected: Readonly<Record<string, GoldenArray>>;
}

/** The named case of test/golden/cases/FILE.json. */
export function goldenCase(file: string, name: string): GoldenCase {
  const text = readFileSync(new URL(`../golden/cases/${file}.json`, import.meta.url), 'utf8');
  const found = (JSON.parse(text) as GoldenCase[]).find((entry) => entry.name === name);
  if (found === undefined) {
    throw new Error(`no case '${name}' in ${file}.json`);
  }
  return found;
}

/** A golden array as a float32 tensor. */
export function goldenTensor(array: GoldenArray | undefined): tf.Tensor {
  if (array === undefined) {
    throw new Error('no such array in the golden case');
  }
  return tf.tensor(array.data, array.shape, 'float32');
}

/** The largest |a - b| / (1 + |b|) over all elements; Infinity where the shapes differ. */
export function goldenError(actual: tf.Tensor, expected: GoldenArray | undefined): number {
  if (expected === undefined || actual.shape.join() !== expected.shape.join()) {
    return Number.POSITIVE_INFINITY;
  }
  const values = actual.dataSync();
  return expected.data.reduce((worst, b, i) => Math.max(worst, Math.abs((values[i] as number) - b) / (1 + Math.abs(b))), 0);
}
