// What one thread of this machine can do, by the current backend of TensorFlow.js and by JavaScript itself.
import type { Tensor } from '@tensorflow/tfjs-core';
import { add, exp, log, matMul, randomNormal, sigmoid, softplus, tanh } from '@tensorflow/tfjs-core';
import { measure } from './measure.js';
import { print } from './records.js';

const MILLION = 1 << 20;

/** Measures and prints. `draws` are ways to draw numbers. */
export async function measureLimits(
  implementation: string,
  brief: boolean,
  draws: Readonly<Record<string, (size: number) => Tensor>> = {},
): Promise<void> {
  const patience = brief
    ? { warmUp: 0, seconds: 0, leastRuns: 1, mostRuns: 1, mostSeconds: 0, fewRuns: 1 }
    : { warmUp: 5, seconds: 0.5, leastRuns: 15, mostRuns: 200, mostSeconds: 3, fewRuns: 3 };
  const limit = async (
    what: string,
    unit: string,
    work: () => Tensor | undefined,
    convert: (ms: number) => number,
  ): Promise<void> => {
    const { median } = await measure(() => work()?.dispose(), patience);
    print({ kind: 'limit', implementation, what, unit, value: convert(median) });
  };

  const n = 256;
  const [a, b] = [randomNormal([n, n]), randomNormal([n, n])];
  for (const layout of ['NN', 'NT', 'TN']) {
    // Several at a time: one takes little longer than the clock's steps in a browser.
    const work = (): undefined => {
      for (let i = 0; i < 4; i++) {
        matMul(a, b, layout.startsWith('T'), layout.endsWith('T')).dispose();
      }
    };
    await limit(`matmul ${layout} ${n}`, 'GFLOP/s', work, (ms) => (4 * 2 * n ** 3) / ms / 1e6);
  }
  const x = randomNormal([MILLION]);
  const functions = { exp, tanh, sigmoid, softplus, log };
  for (const [name, apply] of Object.entries(functions)) {
    await limit(
      name,
      'ns an element',
      () => apply(x),
      (ms) => (ms * 1e6) / MILLION,
    );
  }
  await limit(
    'add',
    'ns an element',
    () => add(x, x),
    (ms) => (ms * 1e6) / MILLION,
  );
  const few = randomNormal([4]);
  const hundred = (): undefined => {
    for (let i = 0; i < 100; i++) {
      add(few, few).dispose();
    }
  };
  await limit('an operation on 4 elements', 'us', hundred, (ms) => ms * 10);
  for (const [name, draw] of Object.entries(draws)) {
    await limit(
      name,
      'ns an element',
      () => draw(MILLION / 8),
      (ms) => (ms * 8e6) / MILLION,
    );
  }
  for (const [name, bytes] of Object.entries({ '64 MiB': 1 << 26, '4 MiB': 1 << 22, '256 KiB': 1 << 18 })) {
    const [from, to] = [new Float32Array(bytes / 4).fill(1), new Float32Array(bytes / 4)];
    const times = Math.max(1, (1 << 22) / bytes);
    const copy = (): undefined => {
      for (let i = 0; i < times; i++) {
        to.set(from);
      }
    };
    await limit(`copy ${name}`, 'GB/s read and written', copy, (ms) => (2 * bytes * times) / ms / 1e6);
  }
}
