import type { Rng } from '../core/rng.js';
import { classesOf } from './table.js';

/** `count` integers of 0 ... below - 1, each as likely as any other. */
export function randomIntegers(rng: Rng, count: number, below: number): Int32Array {
  return Int32Array.from(rng.bits(count), (word) => Math.floor((word / 2 ** 32) * below));
}

/** For each row those with the same level of a factor. */
export function rowsByLevel(factor: Float64Array): (row: number) => readonly number[] {
  const { values, labels } = classesOf(factor);
  const rows = values.map((): number[] => []);
  labels.forEach((label, row) => {
    (rows[label] as number[]).push(row);
  });
  return (row) => rows[labels[row] as number] as number[];
}
