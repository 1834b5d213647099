import { dispose, memory } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import type { Bijector } from 'tfjs-flows';
import { createRng, invert } from 'tfjs-flows';
import { checkBijector, randomizeParameters } from 'tfjs-flows/testing';
import { seedArbitrary, tensorArbitrary, toTensor } from 'tfjs-flows/testing/fast-check';
import { describe, expect, test } from 'vitest';
import { backendName } from '../setup/backend.js';
import type { BijectorCase } from './bijectors.js';
import { bijectorCases } from './bijectors.js';
import type { Expectation } from './tolerances/index.js';
import { expectations } from './tolerances/index.js';

const expectation = expectations[backendName] as Expectation;

describe.each(bijectorCases)('$name', (line) => {
  test('obeys the laws of a bijector', () => conforms(line, line.event, line.domain, (bijector) => bijector));
  test('obeys them inverted', () => conforms(line, line.inverseEvent ?? line.event, line.image, invert));
});

async function conforms(
  line: BijectorCase,
  event: readonly number[],
  [low, high]: readonly [number, number] = [-3, 3],
  wrap: (bijector: Bijector) => Bijector,
): Promise<void> {
  const before = memory().numTensors;
  const drawn = tensorArbitrary({ event, batches: expectation.batches, low, high });
  await fc.assert(
    fc.asyncProperty(seedArbitrary(), drawn, async (seed, data) => {
      const rng = createRng(seed);
      const bijector = wrap(line.make(rng));
      randomizeParameters(bijector, { rng });
      const x = toTensor(data);
      const batch = data.shape.slice(0, data.shape.length - event.length);
      const context = line.contextDim === undefined ? undefined : rng.normal([...batch, line.contextDim]);
      try {
        await checkBijector({
          bijector,
          x,
          ...(context === undefined ? {} : { context }),
          tolerance: expectation.bijector,
          gradients: expectation.gradients,
          rng,
        });
      } finally {
        dispose(context === undefined ? [x] : [x, context]);
        bijector.dispose();
      }
    }),
    { numRuns: expectation.runs, seed: 1, endOnFailure: true },
  );
  expect(memory().numTensors).toBe(before);
}
