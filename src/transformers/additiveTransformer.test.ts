import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { expectNoLeak } from '../testing/expectNoLeak.js';
import { additiveTransformer } from './additiveTransformer.js';

test('additiveTransformer shifts, with log-derivative 0, in any shape', async () => {
  const transformer = additiveTransformer();
  expect(transformer.parameterSize).toBe(1);
  const x = tf.tensor2d([[1, -2, 0.5]]);
  const shift = tf.tensor3d([[[0.25], [1], [-4]]]);
  const [y, logDerivative] = transformer.forwardAndLogDerivative(x, shift);
  expect(y.arraySync()).toEqual([[1.25, -1, -3.5]]);
  expect(logDerivative.arraySync()).toEqual([[0, 0, 0]]);
  const [back, inverseLog] = transformer.inverseAndLogDerivative(y, shift);
  expect(back.arraySync()).toEqual(x.arraySync());
  expect(inverseLog.arraySync()).toEqual([[0, 0, 0]]);
  await expectNoLeak(() => transformer.forwardAndLogDerivative(x, shift));
  await expectNoLeak(() => transformer.inverseAndLogDerivative(x, shift));
  expect(() => transformer.forwardAndLogDerivative(x, x)).toThrow('additiveTransformer.forwardAndLogDerivative: parameters');
});
