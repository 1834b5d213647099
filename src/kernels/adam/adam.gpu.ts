import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { GpuKernels } from '../gpu/gpu.js';
import type { Shader } from '../gpu/shader.js';
import type { AdamSettings } from './adam.js';
import { ADAM } from './adam.js';

/** Memory is written once on a GPU: the new moments follow the new parameters. */
export const adamKernels: GpuKernels = {
  [ADAM]: (gpu, inputs, attributes) => {
    const { beta1, beta2, rate, scale, floor, keep } = attributes as AdamSettings;
    const count = inputs.length / 4;
    // These change with every step, so they are no part of the text.
    const settings = gpu.numbers([rate, scale, floor, keep]);
    // Some parameters at a time, as many as a program may read.
    const atOnce = Math.floor((gpu.inputs - 1) / 4);
    const results: TensorInfo[][] = [[], [], []];
    for (let first = 0; first < count; first += atOnce) {
      const some = Array.from({ length: Math.min(atOnce, count - first) }, (_, i) => first + i);
      const given = some.flatMap((i) => [0, 1, 2, 3].map((part) => inputs[part * count + i] as TensorInfo));
      const shapes = some.flatMap((i) => Array(3).fill((inputs[i] as TensorInfo).shape) as number[][]);
      const key = `adam ${beta1} ${beta2} ${some.length}`;
      const made = gpu.runAll(
        key,
        [settings, ...given],
        shapes,
        (shader, output) => updated(shader, 1 + 4 * Math.floor(output / 3), beta1, beta2)[output % 3]?.() as string,
      );
      made.forEach((tensor, i) => {
        results[i % 3]?.push(tensor);
      });
    }
    gpu.free(settings);
    return results.flat();
  },
};

/** What makes the new parameter, m and v, of the old ones and the gradient, which are inputs from `first` on. */
function updated({ lanes: o, read }: Shader, first: number, beta1: number, beta2: number): (() => string)[] {
  const at = (part: number): string => read(first + part, 'index');
  const moving = (old: string, by: string, beta: number): string => o.fma(old, o.constant(beta), o.mul(by, o.constant(1 - beta)));
  const m = (): string => moving(at(2), at(1), beta1);
  const v = (): string => {
    const gradient = at(1);
    return moving(at(3), o.mul(gradient, gradient), beta2);
  };
  const parameter = (): string => {
    const [rate, scale, floor, keep] = ['0', '1', '2', '3'].map((i) => read(0, i)) as [string, string, string, string];
    const step = o.div(o.mul(m(), rate), o.add(o.mul(o.sqrt(v()), scale), floor));
    return o.sub(o.mul(at(0), keep), step);
  };
  return [parameter, m, v];
}
