import type { Tensor } from '@tensorflow/tfjs-core';
import { keep } from '@tensorflow/tfjs-core';
import type { Module } from '../core/module.js';
import { share } from '../core/share.js';

/** Copies of a model's state from before the last two steps. */
export interface KeptWeights {
  /** To be called before a step. */
  take(): void;
  /** The state before the latest step, or, with `earlier`, before the one before it if that is still kept. */
  restore(earlier?: boolean): void;
  dispose(): void;
}

/**
 * Two generations, since an update that overflows shows only in the loss of the next step. A copy shares its
 * memory with the variable, which an update leaves for new memory.
 */
export function keepWeights(model: Module): KeptWeights {
  const variables = [...new Set([...Object.values(model.parameters), ...Object.values(model.buffers)])];
  const generations: Tensor[][] = [];
  const drop = (): void => {
    for (const copy of generations.shift() ?? []) {
      copy.dispose();
    }
  };
  return {
    take: () => {
      if (generations.length === 2) drop();
      generations.push(variables.map((variable) => keep(share(variable))));
    },
    restore: (earlier = false) => {
      const copies = generations[earlier ? 0 : generations.length - 1];
      for (const [i, variable] of variables.entries()) {
        if (copies !== undefined && !variable.isDisposed) variable.assign(copies[i] as Tensor);
      }
    },
    dispose: () => {
      drop();
      drop();
    },
  };
}
