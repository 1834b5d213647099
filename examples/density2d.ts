// Fits a flow to points of the plane, and draws its density beside the points: `npm run example:density`.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import type { Rng } from 'tfjs-flows';
import { chain, createRng, flow, logisticMixtureCoupling, standardNormal } from 'tfjs-flows';
import { useBackend } from 'tfjs-flows/backends';
import { adam, cosineSchedule, fit } from 'tfjs-flows/training';
import { beside, caption, heatMap, scatter } from './lib/picture.js';
import { writePng } from './lib/png.js';
import { createProgress } from './lib/progress.js';

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: 'moons' },
    steps: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '0' },
    backend: { type: 'string', default: 'wasm' },
    out: { type: 'string', default: 'out/density2d.png' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(`npm run example:density -- [OPTIONS]

  --data moons|rings  what to fit (default moons)
  --steps N           training steps (default 2000)
  --seed N            for data, initial weights and training (default 0)
  --backend NAME      cpu, wasm or webgpu (default wasm)
  --out FILE          the picture (default out/density2d.png)`);
  process.exit(0);
}
if (options.data !== 'moons' && options.data !== 'rings') {
  throw new Error(`--data should be moons or rings, but got '${options.data}'.`);
}
const draw = options.data === 'moons' ? twoMoons : twoRings;
const steps = Number(options.steps);
const range = [-3, 3] as const;

await useBackend([options.backend], { production: true });
const rng = createRng(Number(options.seed));
const points = draw(5000, rng);
const unseen = draw(5000, rng);

// Four layers, each moving one coordinate by a mixture of logistics that depends on the other.
const layers = [0, 1, 2, 3].map((i) =>
  logisticMixtureCoupling({ dim: 2, components: 8, hidden: [64, 64], activation: 'tanh', flip: i % 2 === 1, rng }),
);
const density = flow({ base: standardNormal({ eventShape: [2] }), bijector: chain(layers) });

const before = await meanLogProb(unseen);
const progress = createProgress(steps);
await fit({
  model: density,
  data: points,
  batchSize: 256,
  steps,
  rng,
  loss: (batch, call) => tf.neg(density.logProb(batch, call)),
  optimizer: adam(),
  schedule: cosineSchedule({ learningRate: 0.005, steps }),
  clipNorm: 10,
  progressEvery: 10,
  onProgress: ({ step, loss, secondsLeft }) => progress.update(step, { loss: `${loss.toFixed(3)} nats` }, secondsLeft),
});
progress.end();
console.log(
  `log p of unseen points, in nats: ${before.toFixed(3)} before training, ${(await meanLogProb(unseen)).toFixed(3)} after`,
);

const size = 256;
const grid = await densityOnGrid(size);
const [low, high] = range;
const mass = grid.reduce((sum, p) => sum + p, 0) * ((high - low) / size) ** 2;
console.log(`the density integrates to ${mass.toFixed(3)} over the picture`);
const drawn = await read(() => density.sample({ shape: [2500], rng }));
writePng(
  options.out,
  beside([
    caption('data', scatter((await points.data()).subarray(0, 5000), { size, range })),
    caption('samples of the flow', scatter(drawn, { size, range })),
    caption('density of the flow', heatMap(grid, size)),
  ]),
);
console.log(`wrote ${options.out}: data, samples and density`);

async function read(f: () => tf.Tensor): Promise<Float32Array> {
  const result = tf.tidy(f);
  const values = (await result.data()) as Float32Array;
  result.dispose();
  return values;
}

async function meanLogProb(values: tf.Tensor): Promise<number> {
  const [mean] = await read(() => tf.mean(density.logProb(values)));
  return mean as number;
}

/** The density at the centres of size x size cells, the uppermost row first. */
async function densityOnGrid(size: number): Promise<Float32Array> {
  const at = (i: number): number => range[0] + ((i + 0.5) / size) * (range[1] - range[0]);
  const cells = Array.from({ length: size * size }, (_, i) => [at(i % size), at(size - 1 - Math.floor(i / size))]);
  return read(() => tf.exp(density.logProb(tf.tensor2d(cells.flat(), [cells.length, 2]))));
}

/** Two half circles that hold each other, with noise: [count, 2]. */
function twoMoons(count: number, rng: Rng): tf.Tensor {
  return fromAngles(count, rng, (t, upper) =>
    upper
      ? [1.5 * Math.cos(t / 2) - 0.75, 1.5 * Math.sin(t / 2) - 0.4]
      : [0.75 - 1.5 * Math.cos(t / 2), 0.4 - 1.5 * Math.sin(t / 2)],
  );
}

/** Two circles, one within the other, with noise: [count, 2]. */
function twoRings(count: number, rng: Rng): tf.Tensor {
  return fromAngles(count, rng, (t, outer) => {
    const radius = outer ? 2.2 : 1;
    return [radius * Math.cos(t), radius * Math.sin(t)];
  });
}

function fromAngles(count: number, rng: Rng, place: (angle: number, which: boolean) => [number, number]): tf.Tensor {
  return tf.tidy(() => {
    const angles = rng.uniform([count], 0, 2 * Math.PI).dataSync();
    const places = Array.from(angles, (angle, i) => place(angle, i % 2 === 0));
    return tf.add(tf.tensor2d(places), tf.mul(rng.normal([count, 2]), 0.1));
  });
}
