import type { TensorInfo } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { AFFINE } from './affine/affine.js';
import { LOGISTIC_MIXTURE } from './logisticMixture/logisticMixture.js';
import type { RowLayoutOf } from './rowLayout.js';
import { gradientInputs, kernelsOfRows } from './rowLayout.js';
import type { TransformerAttributes } from './transformer.gradient.js';
import { gradientOf } from './transformer.gradient.js';
import { ROWS } from './transformRows.js';

const ofShape = (...shape: number[]): TensorInfo => ({ shape }) as TensorInfo;

const NAME = 'Some';
const layouts = kernelsOfRows<readonly [way: string, layoutOf: RowLayoutOf]>(
  NAME,
  (layoutOf) => ['forward', layoutOf],
  (layoutOf) => ['backward', layoutOf],
);
const layoutOf = (name: string, ...given: Parameters<RowLayoutOf>): ReturnType<RowLayoutOf> =>
  (layouts[name] as NonNullable<(typeof layouts)[string]>)[1](...given);

test('four kernels', () => {
  const ways = Object.entries(layouts).map(([name, [way]]) => [name, way]);
  expect(Object.fromEntries(ways)).toEqual({
    [NAME]: 'forward',
    [gradientOf(NAME)]: 'backward',
    [NAME + ROWS]: 'forward',
    [gradientOf(NAME + ROWS)]: 'backward',
  });
});

test('elements are rows of one; they share parameters after as many as there are', () => {
  for (const name of [NAME, gradientOf(NAME)]) {
    expect(layoutOf(name, ofShape(2, 4, 3), [ofShape(4, 3, 5), ofShape(4, 3, 2), ofShape(4, 3, 1)], {})).toEqual({
      width: 1,
      moved: [0],
      logDetShape: [2, 4, 3],
      sizes: [5, 2, 1],
      firsts: [0, 5, 7],
      period: 12,
      repeats: 2,
    });
  }
});

test('some elements of each row', () => {
  for (const name of [NAME + ROWS, gradientOf(NAME + ROWS)]) {
    const all = { width: 5, moved: [0, 3], logDetShape: [6], sizes: [7], firsts: [0] };
    // As a network makes them, or an axis for the elements.
    for (const shape of [
      [6, 14],
      [6, 2, 7],
    ]) {
      const layout = layoutOf(name, ofShape(6, 5), [ofShape(...shape)], { moved: [0, 3] });
      expect(layout).toEqual({ ...all, period: 6, repeats: 1 });
    }
  }
});

test('what a gradient is given, with the outputs for those that look at them alone', () => {
  const x = ofShape(0);
  const [p, q, y, l, dy, dl] = [ofShape(1), ofShape(2), ofShape(3), ofShape(4), ofShape(5), ofShape(6)];
  const attributes = (inverse: boolean) => ({ inverse }) as TransformerAttributes;
  const without = [x, p, q, dy, dl];
  const plain = { x, parameters: [p, q], y: undefined, dy, dl };
  expect(gradientInputs(AFFINE, without, attributes(true))).toEqual(plain);
  expect(gradientInputs(LOGISTIC_MIXTURE, without, attributes(false))).toEqual(plain);
  expect(gradientInputs('another', without, attributes(true))).toEqual(plain);
  const all = [x, p, q, y, l, dy, dl];
  expect(gradientInputs(LOGISTIC_MIXTURE, all, attributes(true))).toEqual({ ...plain, y });
});
