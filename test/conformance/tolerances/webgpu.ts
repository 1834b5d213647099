import type { Expectation } from './index.js';
import { webgl } from './webgl.js';

/** WGSL allows exp and log an error of 3 + 2 |x| units in the last place, tanh more: as on WebGL. */
export const webgpu: Expectation = { ...webgl };
