import type { Tensor } from '@tensorflow/tfjs-core';
import { cast, floor, tidy } from '@tensorflow/tfjs-core';
import { canReadSync } from '../core/canReadSync.js';
import type { DequantizeOptions, Dequantizer } from '../core/dequantizer.js';
import { checkDrawShape } from '../core/drawShape.js';
import { checkCall, invalid } from '../core/errors.js';
import type { ModuleState } from '../core/module.js';
import { defineModule } from '../core/module.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import type { EventShape } from '../core/shapes.js';
import { checkEvent } from '../core/shapes.js';
import { addNoise, checkDiscrete, checkLevelCount, checkValues } from './levels.js';

/** What every dequantizer takes. */
export interface LevelsOptions {
  /** How many values x can take: 0 ... levels - 1. From 2 to 65536; 256 for bytes. */
  readonly levels: number;
  /**
   * Whether every call reads x and throws where a value is none of the levels. Default true. It costs nothing to speak of on
   * the CPU and WASM backends; on WebGL it waits for the device unless x is fresh from the host; on WebGPU, which cannot
   * read synchronously, it is not done. With or without it the result is NaN where x is none of the levels, on every backend,
   * and `await dequantizer.check(x)` tells everywhere.
   */
  readonly validate?: boolean;
}

/** A dequantizer with a check of the data. */
export interface CheckingDequantizer extends Dequantizer {
  /** Resolves where x holds integers of 0 ... levels - 1 only, on any backend. @throws (rejects) naming the first that is not. */
  check(x: Tensor): Promise<void>;
}

/** `DequantizeOptions` with their defaults filled in. */
export interface NoiseOptions extends DequantizeOptions {
  readonly shape: readonly number[];
  readonly rng: Rng;
}

/** What `defineDequantizer` takes. */
export interface DequantizerSpec extends LevelsOptions, ModuleState {
  readonly name: string;
  /** Event shape of x. */
  readonly event: EventShape;
  /** For a float32 x: u of [0, 1], [...shape, ...batch, ...event], and log q(u | x), [...shape, ...batch]. */
  noise(x: Tensor, options: NoiseOptions): [u: Tensor, logProb: Tensor];
}

/** Makes a dequantizer of its noise: checks, memory, and that no value leaves its bin live here, once. */
export function defineDequantizer(spec: DequantizerSpec): CheckingDequantizer {
  const { name, levels, validate = true, event } = spec;
  checkLevelCount(name, levels);
  if (typeof validate !== 'boolean') {
    throw invalid(name, 'options.validate', 'true or false', validate);
  }

  return {
    ...defineModule(spec),
    name,
    levels,
    eventRank: event.length,
    sampleAndLogProb: (x, options = {}) => {
      const where = `${name}.sampleAndLogProb`;
      checkCall(where, options, 'shape');
      const { shape = [], rng = createRng() } = options;
      checkDrawShape(where, shape);
      checkDiscrete(where, x, event);
      if (validate && canReadSync()) {
        checkValues(where, x.dataSync(), levels);
      }
      return tidy((): [Tensor, Tensor] => {
        const discrete = cast(x, 'float32');
        const [u, logProb] = spec.noise(discrete, { ...options, shape, rng });
        return [addNoise(discrete, u, levels), logProb];
      });
    },
    quantize: (y) => {
      checkEvent(`${name}.quantize`, 'y', y, event);
      return floor(y);
    },
    check: async (x) => {
      checkDiscrete(`${name}.check`, x, event);
      checkValues(`${name}.check`, await x.data(), levels);
    },
  };
}
