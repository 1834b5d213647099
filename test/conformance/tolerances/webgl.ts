import { cpu } from './cpu.js';
import type { Expectation } from './index.js';

/**
 * Fragment shaders: exp, log and tanh may err by several units in the last place (GLSL ES 3.0 bounds none of them), and
 * softplus is log(1 + exp(x)), whose absolute error of 6e-8 shows in the log-dets' derivatives. Every shape is a draw call of
 * a millisecond on a software renderer: fewer runs.
 */
export const webgl: Expectation = {
  ...cpu,
  bijector: { roundTrip: 3e-4, logDet: 5e-4, gradient: 2e-2, batch: 1e-5 },
  runs: 1,
  batches: [[2, 2]],
  gradients: 'joint',
  samples: 2000,
  cells: 200,
};
