// What `fit` adds to a loop that one writes oneself: gradients, Adam, and the loss read back, with a small model and a larger one.
// The two take turns, a few hundred milliseconds each: `npm run bench:fit`, or `-- cpu` for another backend.
import type { Scalar } from '@tensorflow/tfjs-core';
import { mean } from '@tensorflow/tfjs-core';
import type { Flow } from 'tfjs-flows';
import { createRng, flow, negativeLogLikelihood, standardNormal } from 'tfjs-flows';
import { useBackend } from 'tfjs-flows/backends';
import { realNvp } from 'tfjs-flows/models';
import { adam, fit } from 'tfjs-flows/training';
import { median } from './measure.js';

const TURNS = 25;
const backend = process.argv[2] ?? 'wasm';
await useBackend([backend], { production: true });
console.log(`| on ${backend} | bare loop, ms a step | fit, ms a step | fit adds |\n|---|--:|--:|--:|`);
await compare('RealNVP x 8, D = 2, hidden layers of 64, B = 512', { dim: 2, hidden: [64, 64], rows: 512 }, 30);
await compare('RealNVP x 8, D = 64, hidden layers of 256, B = 128', { dim: 64, hidden: [256, 256], rows: 128 }, 30);

interface Sizes {
  readonly dim: number;
  readonly hidden: number[];
  readonly rows: number;
}

async function compare(title: string, { dim, hidden, rows }: Sizes, steps: number): Promise<void> {
  const batch = createRng(0).normal([rows, dim]);
  const make = (): Flow => {
    const rng = createRng(1);
    return flow({ base: standardNormal({ eventShape: [dim] }), bijector: realNvp({ dim, hidden, rng }) });
  };

  const bareModel = make();
  const bareLoss = negativeLogLikelihood({ distribution: bareModel });
  const bareOptimizer = adam();
  const variables = Object.values(bareModel.parameters);
  const bare = async (): Promise<void> => {
    for (let step = 0; step < steps; step++) {
      const value = bareOptimizer.minimize(() => mean(bareLoss(batch)), true, variables) as Scalar;
      await value.data();
      value.dispose();
    }
  };

  const fittedModel = make();
  const loss = negativeLogLikelihood({ distribution: fittedModel });
  const optimizer = adam();
  const data = Array.from({ length: steps }, () => batch);
  const fitted = (): Promise<unknown> => fit({ model: fittedModel, data, loss, epochs: 1, optimizer });

  const times: [bare: number, fitted: number][] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    times.push([await timed(bare), await timed(fitted)]);
  }
  // The first turns warm up. The median of ratios: what slows the machine slows both of a turn.
  const counted = times.slice(5);
  const ratio = median(counted.map(([a, b]) => b / a));
  const [a, b] = [0, 1].map((i) => median(counted.map((pair) => pair[i] as number)) / steps) as [number, number];
  console.log(`| ${title} | ${a.toFixed(2)} | ${b.toFixed(2)} | ${((ratio - 1) * 100).toFixed(1)} % |`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
