import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { GpuKernels } from '../gpu/gpu.js';
import type { AdamSettings } from './adam.js';
import { ADAM } from './adam.js';

/** Memory is written once on a GPU: the new moments follow the new parameters. */
export const adamKernels: GpuKernels = {
  [ADAM]: (gpu, inputs, attributes) => {
    const { beta1, beta2, rate, scale, floor, keep } = attributes as AdamSettings;
    const count = inputs.length / 4;
    const part = (i: number): TensorInfo[] => inputs.slice(i * count, (i + 1) * count);
    const [parameters, gradients, first, second] = [0, 1, 2, 3].map(part) as [
      TensorInfo[],
      TensorInfo[],
      TensorInfo[],
      TensorInfo[],
    ];
    const moving = (old: TensorInfo[], beta: number, power: 1 | 2): TensorInfo[] =>
      old.map((moment, i) =>
        gpu.run(`moment ${beta} ${power}`, [moment, gradients[i] as TensorInfo], moment.shape, ({ lanes: o, read }) => {
          const g = read(1, 'index');
          return o.fma(read(0, 'index'), o.constant(beta), o.mul(power === 1 ? g : o.mul(g, g), o.constant(1 - beta)));
        }),
      );
    const [m, v] = [moving(first, beta1, 1), moving(second, beta2, 2)];
    // These change with every step, so they are no part of the text.
    const settings = gpu.numbers([rate, scale, floor, keep]);
    const results = parameters.map((parameter, i) =>
      gpu.run('adam', [parameter, m[i] as TensorInfo, v[i] as TensorInfo, settings], parameter.shape, ({ lanes: o, read }) => {
        const [theta, mean, square] = [read(0, 'index'), read(1, 'index'), read(2, 'index')];
        const [by, times, least, kept] = [read(3, '0'), read(3, '1'), read(3, '2'), read(3, '3')];
        const step = o.div(o.mul(mean, by), o.add(o.mul(o.sqrt(square), times), least));
        return o.sub(o.mul(theta, kept), step);
      }),
    );
    gpu.free(settings);
    return [...results, ...m, ...v];
  },
};
