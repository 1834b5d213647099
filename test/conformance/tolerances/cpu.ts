import { inject } from 'vitest';
import type { Expectation } from './index.js';

/** The reference: float32 storage, float64 arithmetic within an op. */
export const cpu: Expectation = {
  // The inverse of a flow at parameters of scale 1 magnifies the rounding of its input by its condition number, often 100.
  bijector: { roundTrip: 1e-4, logDet: 2e-4, gradient: 1e-2, batch: 1e-6 },
  distribution: 1e-3,
  runs: inject('runs') ?? 5,
  batches: [[], [1], [3], [2, 2]],
  gradients: inject('gradients') ?? 'each',
  samples: 4000,
  cells: 300,
};
