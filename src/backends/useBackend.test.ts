import type { KernelBackend } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { BackendFailure } from './useBackend.js';
import { useBackend } from './useBackend.js';

const fakes: string[] = [];

function fake(name: string, start: () => KernelBackend | Promise<KernelBackend>): string {
  tf.registerBackend(name, start, -1);
  fakes.push(name);
  return name;
}

const working = (): KernelBackend =>
  Object.assign(new tf.KernelBackend(), { dispose: () => {}, memory: () => ({ unreliable: true }) });

afterEach(async () => {
  await tf.setBackend('cpu');
  for (const name of fakes.splice(0)) {
    tf.removeBackend(name);
  }
});

afterAll(() => expect(tf.getBackend()).toBe('cpu'));

test('the first that works is used, and the ones after it are not started', async () => {
  let started = 0;
  const first = fake('first', working);
  const second = fake('second', () => {
    started += 1;
    return working();
  });
  expect(await useBackend([first, second, 'cpu'])).toEqual({ name: 'first', failures: [] });
  expect(tf.getBackend()).toBe('first');
  expect(started).toBe(0);
});

test('those that fail are reported in order, each with its reason, and the next is tried', async () => {
  const heard: BackendFailure[] = [];
  const names = [
    fake('sync', () => {
      throw new Error('no driver');
    }),
    fake('async', () => Promise.reject(new Error('no device'))),
    'cpu',
  ];
  const { name, failures } = await useBackend(names, { onFailure: (failure) => heard.push(failure) });
  expect(name).toBe('cpu');
  expect(tf.getBackend()).toBe('cpu');
  expect(failures).toEqual([
    { name: 'sync', reason: 'no driver' },
    { name: 'async', reason: 'no device' },
  ]);
  expect(heard).toEqual(failures);
});

test('where none works the error lists every reason, and the backend of before is the current one again', async () => {
  const names = [
    fake('one', () => {
      throw new Error('too old');
    }),
    fake('two', () => Promise.reject(new Error('too new'))),
  ];
  await expect(useBackend(names)).rejects.toThrow(
    'useBackend: none of the named backends works here.\n  one: too old\n  two: too new',
  );
  expect(tf.getBackend()).toBe('cpu');
  expect(await tf.add(1, 2).data()).toEqual(Float32Array.of(3));
});

test('webgl in Node fails with a reason', async () => {
  const { failures } = await useBackend(['webgl', 'cpu']);
  expect(failures).toHaveLength(1);
  expect(failures[0]?.reason).toMatch(/WebGL needs a page or a worker of a browser/);
});

test('the current backend may be named again, and gradients work after it', async () => {
  await useBackend(['cpu']);
  expect((await useBackend(['cpu'])).name).toBe('cpu');
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.square(x)))(tf.tensor1d([3]));
  expect(await gradient.data()).toEqual(Float32Array.of(6));
});

test('production mode is set on request alone', async () => {
  await useBackend(['cpu']);
  expect(tf.env().getBool('PROD')).toBe(false);
  await useBackend(['cpu'], { production: true });
  expect(tf.env().getBool('PROD')).toBe(true);
  tf.env().set('PROD', false);
});

test('production mode is not set where no backend works', async () => {
  const broken = fake('broken', () => {
    throw new Error('no');
  });
  await expect(useBackend([broken], { production: true })).rejects.toThrow('broken: no');
  expect(tf.env().getBool('PROD')).toBe(false);
});

test.each([
  [[], 'useBackend: names should be a list of at least one backend, but got [].'],
  ['cpu', "useBackend: names should be a list of at least one backend, but got 'cpu'."],
  [undefined, 'useBackend: names should be a list of at least one backend, but got nothing.'],
  [
    ['cpu', 'gpu'],
    "useBackend: names[1] should be 'cpu', 'webgl', 'wasm', 'webgpu' or the name of a registered backend, but got 'gpu'.",
  ],
  [[3], "useBackend: names[0] should be 'cpu', 'webgl', 'wasm', 'webgpu' or the name of a registered backend, but got 3."],
])('names %j are refused', async (names, message) => {
  await expect(useBackend(names as string[])).rejects.toThrow(message);
});

test.each([0, 3, '2'])('%j threads are refused', async (threads) => {
  await expect(useBackend(['cpu'], { threads: threads as 1 })).rejects.toThrow('options.threads should be 1 or 2');
});

test.each([
  [{ threads: 2 }, "useBackend: options.threads should be 1 or left out where 'wasm' is not among the names, but got 2."],
  [{ wasmPaths: '/a/' }, "useBackend: options.wasmPaths should be left out where 'wasm' is not among the names, but got '/a/'."],
] as const)('%j without wasm is refused', async (options, message) => {
  await expect(useBackend(['webgpu', 'cpu'], options)).rejects.toThrow(message);
});

test('options of wasm may be given where wasm is one of several, and 1 thread anywhere', async () => {
  expect((await useBackend(['cpu', 'wasm'], { threads: 2, wasmPaths: '/a/' })).name).toBe('cpu');
  expect((await useBackend(['cpu'], { threads: 1 })).name).toBe('cpu');
});

test.each([
  [{ wasmPaths: 5 }, 'options.wasmPaths should be a path, or a path for each file, but got 5'],
  [{ production: 'no' }, "options.production should be true or false, but got 'no'"],
  [{ onFailure: 5 }, 'options.onFailure should be a function, but got 5'],
])('%j is refused', async (options, message) => {
  await expect(useBackend(['wasm', 'cpu'], options as never)).rejects.toThrow(message);
});

test('an unknown option is refused', async () => {
  await expect(useBackend(['cpu'], { prod: true } as object)).rejects.toThrow("useBackend: unknown option 'prod'");
});
