import { dispose } from '@tensorflow/tfjs-core';
import { createRng } from 'tfjs-flows';
import { checkDistribution, randomizeParameters } from 'tfjs-flows/testing';
import { describe, test } from 'vitest';
import { backendName } from '../setup/backend.js';
import { distributionCases } from './distributions.js';
import type { Expectation } from './tolerances/index.js';
import { expectations } from './tolerances/index.js';

const expectation = expectations[backendName] as Expectation;

describe.each(distributionCases)('$name', ({ make, contextDim, support, values, scale = 1 }) => {
  test('obeys the laws of a distribution', async () => {
    const rng = createRng(5);
    const distribution = make(rng);
    randomizeParameters(distribution, { rng, scale });
    const context = contextDim === undefined ? undefined : rng.normal([contextDim]);
    await checkDistribution({
      distribution,
      ...(context === undefined ? {} : { context }),
      ...(support === undefined ? {} : { support }),
      ...(values === undefined ? {} : { values }),
      ...(distribution.eventShape[0] === 2 ? { cells: expectation.cells } : {}),
      samples: expectation.samples,
      tolerance: expectation.distribution,
      rng,
    });
    dispose(context === undefined ? [] : [context]);
    distribution.dispose();
  });
});
