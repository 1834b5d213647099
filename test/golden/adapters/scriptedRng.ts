import type { Tensor } from '@tensorflow/tfjs-core';
import { reshape } from '@tensorflow/tfjs-core';
import type { Rng } from 'tfjs-flows';
import { createRng } from 'tfjs-flows';

/** A generator that gives out the noise of a case, whatever the axes that it is asked for: once each, in the order given. */
export function scriptedRng({ normal = [], uniform = [] }: { normal?: Tensor | Tensor[]; uniform?: Tensor | Tensor[] }): Rng {
  const next = (kind: string, script: Tensor | Tensor[]): ((shape: readonly number[]) => Tensor) => {
    const left = Array.isArray(script) ? [...script] : [script];
    return (shape) => {
      const noise = left.shift();
      const size = shape.reduce((product, length) => product * length, 1);
      if (noise?.size !== size) {
        throw new Error(`${kind} noise of shape [${shape.join(', ')}] was asked for, the case has ${describe(noise)}`);
      }
      return reshape(noise, [...shape]);
    };
  };
  return { ...createRng(0), normal: next('normal', normal), uniform: next('uniform', uniform) };
}

const describe = (noise: Tensor | undefined): string => (noise === undefined ? 'none left' : `[${noise.shape.join(', ')}]`);
