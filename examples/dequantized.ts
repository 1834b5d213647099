// Fits a flow to grey images of 8 bits, and tells what it needs to store one, in bits per dimension: `npm run example:dequantized`.
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import {
  actNorm,
  bitsPerDim,
  chain,
  createRng,
  dequantizedLogProb,
  flow,
  maf,
  sigmoidBijector,
  standardNormal,
  uniformDequantizer,
} from 'tfjs-flows';
import { useBackend } from 'tfjs-flows/backends';
import { adam, cosineSchedule, fit } from 'tfjs-flows/training';
import type { Digits } from './lib/mnist.js';
import { crop, firstDigits, loadMnist, shrink } from './lib/mnist.js';
import { beside, caption, tiles } from './lib/picture.js';
import { writePng } from './lib/png.js';
import { createProgress } from './lib/progress.js';

const { values: options } = parseArgs({
  options: {
    steps: { type: 'string', default: '1000' },
    layers: { type: 'string', default: '4' },
    seed: { type: 'string', default: '0' },
    backend: { type: 'string', default: 'wasm' },
    out: { type: 'string', default: 'out/dequantized.png' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(`npm run example:dequantized -- [OPTIONS]

  --steps N       training steps (default 1000)
  --layers N      autoregressive layers (default 4)
  --seed N        for initial weights and training (default 0)
  --backend NAME  cpu, wasm or webgpu (default wasm)
  --out FILE      the picture (default out/dequantized.png)`);
  process.exit(0);
}
const LEVELS = 256;
const steps = Number(options.steps);

await useBackend([options.backend], { production: true });
const rng = createRng(Number(options.seed));
const train = shrink(crop(loadMnist('train'), 4), 2);
const test = shrink(crop(loadMnist('test'), 4), 2);
const dim = train.size ** 2;
const data = toTensor(train);
console.log(`${train.count} images of ${train.size} x ${train.size} pixels, ${LEVELS} levels: ${dim} dimensions`);

// From the base to the data: autoregressive layers that take the pixels from either end in turn, one scale and one shift a pixel,
// then onto an interval a little wider than that of the levels, so that no pixel lies at an end, where the logit is infinite.
const layers = Array.from({ length: Number(options.layers) }, (_, i) =>
  maf({ dim, hidden: [256, 256], order: i % 2 === 0 ? 'natural' : 'reversed', rng }),
);
const margin = 0.01 * LEVELS;
const toLevels = sigmoidBijector({ low: -margin, high: LEVELS + margin, eventRank: 1 });
const bijector = chain([...layers, actNorm({ dim }), toLevels]);
const density = flow({ base: standardNormal({ eventShape: [dim] }), bijector });
const dequantizer = uniformDequantizer({ levels: LEVELS });
const objective = dequantizedLogProb({ distribution: density, dequantizer });

// Sets the scales and shifts so that, taken to the base's side of them, these images have mean 0 and variance 1 in each pixel.
tf.tidy(() => bijector.initialize?.(dequantizer.sampleAndLogProb(tf.slice(data, 0, 2000), { rng })[0]));

const progress = createProgress(steps);
await fit({
  model: density,
  data,
  batchSize: 128,
  steps,
  rng,
  loss: (x, call) => tf.mul(objective(x, call), -1 / (dim * Math.LN2)),
  optimizer: adam(),
  schedule: cosineSchedule({ learningRate: 0.001, steps }),
  clipNorm: 1,
  progressEvery: 5,
  onProgress: ({ step, loss, secondsLeft }) => progress.update(step, { loss: `${loss.toFixed(3)} bits/dim` }, secondsLeft),
});
progress.end();

const unseen = toTensor(test);
console.log(`unseen digits, bound of one draw:      ${(await meanBits(unseen, 1)).toFixed(3)} bits per dimension`);
console.log(`the first 1000, bound of 16 draws:     ${(await meanBits(tf.slice(unseen, 0, 1000), 16)).toFixed(3)}`);
console.log(`a model that takes all as likely:      ${bitsPerDim({ logProb: 0, dim, levels: LEVELS }).toFixed(3)}`);

const drawn = await read(() => tf.clipByValue(tf.floor(density.sample({ shape: [60], rng })), 0, LEVELS - 1));
const ink = (pixels: ArrayLike<number>): number[] => Array.from(pixels, (value) => value / (LEVELS - 1));
const shape = { size: test.size, columns: 10, scale: 4 };
writePng(
  options.out,
  beside([
    caption('unseen digits', tiles(ink(firstDigits(test, 60).pixels), shape)),
    caption('samples of the flow', tiles(ink(drawn), shape)),
  ]),
);
console.log(`wrote ${options.out}: unseen digits beside samples of the flow`);

async function read(f: () => tf.Tensor): Promise<Float32Array> {
  const result = tf.tidy(f);
  const values = (await result.data()) as Float32Array;
  result.dispose();
  return values;
}

/** The importance-weighted bound of that many draws, on average over the images. */
async function meanBits(images: tf.Tensor, samples: number): Promise<number> {
  const bound = dequantizedLogProb({ distribution: density, dequantizer, samples, bound: 'importance' });
  const count = images.shape[0] as number;
  const atOnce = 500;
  let total = 0;
  for (let start = 0; start < count; start += atOnce) {
    const logProbs = await read(() => bound(tf.slice(images, start, Math.min(atOnce, count - start)), { rng }));
    total += logProbs.reduce((sum, value) => sum + value, 0);
  }
  return bitsPerDim({ logProb: total / count, dim });
}

function toTensor({ count, size, pixels }: Digits): tf.Tensor {
  return tf.tensor2d(Float32Array.from(pixels), [count, size * size]);
}
