import type { TensorInfo } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { DENSE_DELTA, PRODUCT } from './dense.gradient.js';
import type { DenseActivation } from './dense.js';
import { DENSE } from './dense.js';
import type { LayerKernels } from './layers.js';
import { denseKernelsOf } from './layers.js';

/** A tensor is its name: how it was made. */
const named = (name: string): TensorInfo => ({ name }) as unknown as TensorInfo;
const nameOf = (tensor: TensorInfo | undefined): string => (tensor as { name?: string } | undefined)?.name ?? 'none';

/** Kernels that tell what they are asked for; `reuses` says whether delta takes the memory that it may have. */
function hostOf(reuses: boolean): { readonly kernels: LayerKernels; readonly freed: string[]; readonly done: boolean[] } {
  const [freed, done]: [string[], boolean[]] = [[], []];
  const kernels: LayerKernels = {
    layer: (x, { kernel, bias, activation }) => named(`${activation}(${nameOf(x)} ${nameOf(kernel)} ${nameOf(bias)})`),
    delta: (dy, y, activation, isDone) => {
      done.push(isDone);
      const sums = named(`sums of ${nameOf(dy)}`);
      const delta = reuses && isDone ? dy : named(`${nameOf(dy)}*${activation}'(${nameOf(y)})`);
      return activation === 'linear' ? [sums] : [sums, delta];
    },
    product: (a, b, mask, settings) => named(`[${[a, b, mask].map(nameOf).join(' ')} ${JSON.stringify(settings)}]`),
    free: (tensor) => {
      freed.push(nameOf(tensor));
    },
  };
  return { kernels, freed, done };
}

const kernels = denseKernelsOf((host: LayerKernels) => host);
const attributesOf = (activations: readonly DenseActivation[]): object => ({
  roles: ['kernel', 'bias', 'kernel', 'mask', 'kernel'],
  activations,
});
const tensors = ['w0', 'b0', 'w1', 'm1', 'w2'].map(named);
const run = (name: string, host: LayerKernels, inputs: readonly TensorInfo[], attributes: object): string[] =>
  (kernels[name] as NonNullable<(typeof kernels)[string]>)(host, inputs, attributes).map(nameOf);

describe('layers', () => {
  const attributes = attributesOf(['tanh', 'linear', 'relu']);
  const [h0, h1] = ['tanh(x w0 b0)', 'linear(tanh(x w0 b0) w1 none)'];
  const y = `relu(${h1} w2 none)`;

  test('one after the other; what is between them is freed', () => {
    const { kernels, freed } = hostOf(false);
    expect(run(DENSE, kernels, [named('x'), ...tensors], attributes)).toEqual([y]);
    expect(freed).toEqual([h0, h1]);
  });

  test('where they are recorded, it is put out', () => {
    const { kernels, freed } = hostOf(false);
    expect(run(DENSE, kernels, [named('x'), ...tensors], { ...attributes, inputs: [] })).toEqual([y, h0, h1]);
    expect(freed).toEqual([]);
  });
});

describe('deltas', () => {
  const inputs = ['dy', 'h0', 'h1', 'y', ...['w0', 'b0', 'w1', 'm1', 'w2']].map(named);
  const transposed = JSON.stringify({ transposeB: true, mask: 'b' });

  test('of every layer; gradients between them are freed, the one given is not', () => {
    const { kernels, freed, done } = hostOf(false);
    const d2 = "dy*relu'(y)";
    const g1 = `[${d2} w2 none ${transposed}]`;
    const d1 = `${g1}*elu'(h1)`;
    const g0 = `[${d1} w1 m1 ${transposed}]`;
    const d0 = `${g0}*tanh'(h0)`;
    const made = run(DENSE_DELTA, kernels, inputs, attributesOf(['tanh', 'elu', 'relu']));
    expect(made).toEqual([`sums of ${g0}`, d0, `sums of ${g1}`, d1, 'sums of dy', d2]);
    expect(freed).toEqual([g1, g0]);
    expect(done).toEqual([false, true, true]);
  });

  test('are not freed where they lie in the memory of gradients; a linear last layer has dy itself, which is not put out', () => {
    const { kernels, freed, done } = hostOf(true);
    const g1 = `[dy w2 none ${transposed}]`;
    const g0 = `[${g1} w1 m1 ${transposed}]`;
    const made = run(DENSE_DELTA, kernels, inputs, attributesOf(['linear', 'elu', 'linear']));
    expect(made).toEqual([`sums of ${g0}`, g0, `sums of ${g1}`, g1, 'sums of dy']);
    expect(freed).toEqual([]);
    expect(done).toEqual([false, true, true]);
  });
});

test('a product is that of the backend', () => {
  const { kernels } = hostOf(false);
  const settings = { transposeA: true, mask: 'result' };
  expect(run(PRODUCT, kernels, ['a', 'b', 'm'].map(named), settings)).toEqual([`[a b m ${JSON.stringify(settings)}]`]);
  expect(run(PRODUCT, kernels, ['a', 'b'].map(named), {})).toEqual(['[a b none {}]']);
});
