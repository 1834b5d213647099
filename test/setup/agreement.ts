import * as tf from '@tensorflow/tfjs';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerCpuKernels } from '../../src/kernels/cpu/register.js';
import { backendName, ready } from './backend.js';

/** Numbers of a tensor, and its shape. */
export type Values = readonly [data: ArrayLike<number>, shape: readonly number[]];
/** What is to be the same by kernels and by TensorFlow.js's ops. */
export type Formula = (...inputs: tf.Tensor[]) => tf.Tensor[];

/** Outputs of a formula, and gradients of their sums with weights that tell them apart. */
export async function differentiated(
  formula: Formula,
  inputs: readonly Values[],
): Promise<{ values: number[][]; gradients: number[][] }> {
  const tensors = inputs.map(([data, shape]) => tf.tensor(Float32Array.from(data), [...shape]));
  const values = formula(...tensors);
  const gradients = tf.grads((...at) => weighted(formula(...at)))(tensors);
  const read = (all: tf.Tensor[]): Promise<number[][]> => Promise.all(all.map(async (one) => Array.from(await one.data())));
  const result = { values: await read(values), gradients: await read(gradients) };
  tf.dispose([tensors, values, gradients]);
  return result;
}

export function weighted(outputs: tf.Tensor[]): tf.Scalar {
  return tf.addN(
    outputs.map((output, i) => {
      const weights = Array.from({ length: output.size }, (_, j) => Math.cos(2 * j + i));
      return tf.sum(tf.mul(output, tf.tensor(weights, output.shape)));
    }),
  ) as tf.Scalar;
}

/** The backend that has kernels: the project's, or for `cpu`, where other tests want none, another of its kind. */
const fusedName = backendName === 'cpu' ? 'cpu with kernels' : backendName;

async function prepare(): Promise<void> {
  await ready();
  if (backendName === 'cpu' && tf.findBackendFactory(fusedName) === null) {
    tf.registerBackend(fusedName, () => new MathBackendCPU());
    tf.copyRegisteredKernels('cpu', fusedName);
    registerCpuKernels(fusedName);
  }
  await tf.setBackend(fusedName);
}

/** The same on the CPU backend without kernels. */
export async function composed<T>(work: () => Promise<T>): Promise<T> {
  await tf.setBackend('cpu');
  try {
    return await work();
  } finally {
    await tf.setBackend(fusedName);
  }
}

/** How far numbers are from those that they should be, relative to these or to 1; as many there have to be. */
export function errorOf(got: readonly number[][], want: readonly number[][]): number {
  expect(got.map(({ length }) => length)).toEqual(want.map(({ length }) => length));
  const errors = want.flatMap((row, i) =>
    row.map((value, j) => {
      const other = got[i]?.[j] as number;
      return Object.is(value, other) || value === other ? 0 : Math.abs(other - value) / Math.max(1, Math.abs(value));
    }),
  );
  return errors.reduce((worst, error) => Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error), 0);
}

/** Values and gradients are those of the CPU backend, which has no kernels. */
export async function agree(
  formula: Formula,
  inputs: readonly Values[],
  { value = 1e-5, gradient = 1e-4 }: { value?: number; gradient?: number } = {},
): Promise<void> {
  const got = await differentiated(formula, inputs);
  const want = await composed(() => differentiated(formula, inputs));
  expect(errorOf(got.values, want.values)).toBeLessThan(value);
  expect(errorOf(got.gradients, want.gradients)).toBeLessThan(gradient);
}

/** Numbers between two others, the same everywhere. */
export function spread(seed: number, shape: readonly number[], low: number, high: number): Values {
  const size = shape.reduce((product, one) => product * one, 1);
  const data = Array.from({ length: size }, (_, i) => {
    const x = Math.sin(12.9898 * (i + 1) + 78.233 * seed) * 43758.5453;
    return low + (high - low) * (x - Math.floor(x));
  });
  return [data, shape];
}

export const EVERYWHERE = ['cpu', 'wasm', 'webgl', 'webgpu'] as const;
export const ALL_BUT_CPU = ['wasm', 'webgl', 'webgpu'] as const;

/**
 * A test that kernels are on the backends named and on no others.
 *
 * @returns describes tests of a kernel where there is one
 */
export function kernelsOn(
  backends: Readonly<Record<string, readonly (typeof backendName)[]>>,
): (name: string, title: string, tests: () => void) => void {
  beforeAll(prepare);
  afterAll(ready);
  test.each(Object.entries(backends))('%s has a kernel on %j alone', (name, list) => {
    expect(tf.getKernel(name, fusedName) !== undefined).toBe(list.includes(backendName));
  });
  return (name, title, tests) => {
    if (backends[name]?.includes(backendName)) {
      describe(title, tests);
    }
  };
}
