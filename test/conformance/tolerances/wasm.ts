import { cpu } from './cpu.js';
import type { Expectation } from './index.js';

/** float32 arithmetic throughout; products are summed in another order for other batch sizes, hence `batch`. */
export const wasm: Expectation = {
  ...cpu,
  bijector: { ...cpu.bijector, batch: 1e-5 },
};
