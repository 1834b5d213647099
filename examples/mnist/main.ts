// The main job: `npm start`. Trains a variational autoencoder, with an inverse autoregressive posterior unless asked otherwise,
// on binarised MNIST; prints what the model is worth on test images; draws a picture; saves the weights.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { Rng, Vae } from 'tfjs-flows';
import { createRng, elbo, elboSurgery, iwae } from 'tfjs-flows';
import { useBackend } from 'tfjs-flows/backends';
import { saveSafetensors } from 'tfjs-flows/io';
import { mlpVae } from 'tfjs-flows/models';
import { adam, cosineSchedule, fit } from 'tfjs-flows/training';
import type { Digits } from '../lib/mnist.js';
import { binarise, firstDigits, loadMnist } from '../lib/mnist.js';
import { below, beside, caption, colourKey, scatter, tiles } from '../lib/picture.js';
import { writePng } from '../lib/png.js';
import { principalComponents } from '../lib/principalComponents.js';
import { clock, createProgress } from '../lib/progress.js';
import type { Options } from './options.js';
import { HELP, readOptions } from './options.js';

const SIZE = 28;
const LATENT = 40;
/** Test images for the importance-weighted estimate, and draws for each. */
const WEIGHTED_IMAGES = 500;
const WEIGHTED_DRAWS = 64;

try {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
  } else {
    await main(options);
  }
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(options: Options): Promise<void> {
  const started = performance.now();
  const threads = options.backend === 'wasm' ? options.threads : 1;
  const { name } = await useBackend([options.backend], { production: true, threads });
  const [initRng, dataRng, trainRng, testRng] = createRng(options.seed).split(4) as [Rng, Rng, Rng, Rng];
  const train = imagesOf(firstDigits(loadMnist('train'), options.images), dataRng);
  const testDigits = loadMnist('test');
  const test = imagesOf(testDigits, dataRng);
  const model = mlpVae({
    dataDim: SIZE * SIZE,
    latentDim: LATENT,
    hidden: [300, 300],
    posterior: options.posterior,
    prior: options.prior,
    rng: initRng,
  });
  const count = Object.values(model.parameters).reduce((total, { size }) => total + size, 0);
  console.log(
    `Binarised MNIST, ${train.shape[0]} training images. Posterior: ${options.posterior}, prior: ${options.prior}, ` +
      `${count.toLocaleString('en')} parameters, backend: ${name}.`,
  );

  mkdirSync(options.out, { recursive: true });
  const weights = join(options.out, 'mnist.safetensors');
  const checkpoint = join(options.out, 'mnist.checkpoint.safetensors');
  if (options.resume && !existsSync(checkpoint)) {
    throw new Error(`There is no checkpoint ${checkpoint} to go on from; leave --resume out to start anew.`);
  }
  const finished = await training(model, train, options, trainRng, checkpoint);
  await saveSafetensors(model, weights);
  if (!finished) {
    console.log(`Stopped. Weights: ${weights}. Go on with: npm start -- ${continuation(options)}`);
    process.exitCode = 130;
    return;
  }
  rmSync(checkpoint, { force: true });
  console.log(`Trained in ${clock((performance.now() - started) / 1000)}. Now the test images.\n`);

  await report(model, test, options, testRng);
  const picture = join(options.out, 'mnist.png');
  await draw(model, test, testDigits.labels, testRng, picture);
  console.log(`\nPicture: ${picture}\nWeights: ${weights}\nAll in ${clock((performance.now() - started) / 1000)}.`);
}

/** Drawn once with the ink as probability: the usual static binarisation. */
function imagesOf(digits: Digits, rng: Rng): tf.Tensor2D {
  return tf.tensor2d(binarise(digits, rng), [digits.count, SIZE * SIZE]);
}

/** Trains; false where Ctrl-C ended it. */
async function training(model: Vae, images: tf.Tensor2D, options: Options, rng: Rng, checkpoint: string): Promise<boolean> {
  const steps = options.epochs * Math.ceil((images.shape[0] as number) / options.batchSize);
  const objective = elbo({ model });
  const stop = new AbortController();
  const interrupt = (): void => {
    process.stderr.write('\nStopping after this step; once more to quit at once.\n');
    process.once('SIGINT', () => process.exit(130));
    stop.abort();
  };
  process.once('SIGINT', interrupt);
  const bar = createProgress(steps);
  let smooth: number | undefined;
  try {
    const { stopped } = await fit({
      model,
      data: images,
      batchSize: options.batchSize,
      epochs: options.epochs,
      loss: (batch: tf.Tensor, call) => tf.neg(objective(batch, call)),
      optimizer: adam(),
      schedule: cosineSchedule({ learningRate: options.learningRate, final: options.learningRate / 10, steps }),
      clipNorm: 100,
      rng,
      signal: stop.signal,
      checkpoint: { path: checkpoint, every: 500 },
      resume: options.resume,
      onProgress: ({ step, loss, secondsLeft }) => {
        smooth = smooth === undefined ? -loss : 0.95 * smooth - 0.05 * loss;
        bar.update(step, { ELBO: smooth.toFixed(2) }, secondsLeft);
      },
    });
    return stopped === 'finished';
  } finally {
    bar.end();
    process.removeListener('SIGINT', interrupt);
  }
}

/** What is to be typed to go on. */
function continuation({ batchSize, learningRate, resume: _, ...same }: Options): string {
  const all = { ...same, 'batch-size': batchSize, 'learning-rate': learningRate };
  return [...Object.entries(all).map(([name, value]) => `--${name} ${value}`), '--resume'].join(' ');
}

async function report(model: Vae, test: tf.Tensor2D, { posterior }: Options, rng: Rng): Promise<void> {
  const bound = await estimate(test, 500, elbo({ model }), rng);
  line('test ELBO', bound.mean, bound.error, `${test.shape[0]} images`);
  const some = tf.slice(test, 0, WEIGHTED_IMAGES) as tf.Tensor2D;
  const weighted = await estimate(some, 20, iwae({ model, samples: WEIGHTED_DRAWS }), rng);
  line(
    'log-likelihood',
    weighted.mean,
    weighted.error,
    `${WEIGHTED_IMAGES} images, importance-weighted, ${WEIGHTED_DRAWS} draws`,
  );
  some.dispose();

  // Every draw is evaluated under every posterior, and the inverse of an autoregressive step takes a step a latent.
  const n = { gaussian: 2000, planar: 500, iaf: 128 }[posterior];
  const data = tf.slice(test, 0, n);
  const surgery = await elboSurgery({ model, data, rng });
  data.dispose();
  const { standardErrors } = surgery;
  console.log(`\nELBO surgery over ${n} test images (nats):`);
  line('reconstruction', surgery.reconstruction, standardErrors.reconstruction);
  line(
    'mutual information',
    surgery.mutualInformation,
    standardErrors.mutualInformation,
    surgery.saturated ? 'saturated: all that log N allows' : '',
  );
  line('marginal KL', surgery.marginalKl, standardErrors.marginalKl);
  line('ELBO', surgery.elbo, standardErrors.elbo, 'reconstruction - mutual information - marginal KL');
  line('log N', surgery.logN);
}

function line(name: string, value: number, error?: number, note = ''): void {
  const spread = error === undefined ? '' : `+- ${error.toFixed(2)}`;
  console.log(`  ${name.padEnd(20)}${value.toFixed(2).padStart(9)}  ${spread.padEnd(9)}${note}`.trimEnd());
}

/** The mean of an objective over images, batch by batch, and its standard error. */
async function estimate(
  images: tf.Tensor2D,
  batchSize: number,
  objective: (x: tf.Tensor, options: { rng: Rng }) => tf.Tensor,
  rng: Rng,
): Promise<{ mean: number; error: number }> {
  const values: number[] = [];
  for (let start = 0; start < images.shape[0]; start += batchSize) {
    const size = Math.min(batchSize, images.shape[0] - start);
    const result = tf.tidy(() => objective(tf.slice(images, start, size), { rng }));
    values.push(...(await result.data()));
    result.dispose();
  }
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}

/** Originals and reconstructions, samples, and where the test images lie in latent space. */
async function draw(model: Vae, test: tf.Tensor2D, labels: Uint8Array, rng: Rng, path: string): Promise<void> {
  const shown = 40;
  const placed = 2000;
  const [originals, reconstructions, samples, latents] = tf.tidy(() => {
    const some = tf.slice(test, 0, shown) as tf.Tensor2D;
    const probabilities = (z: tf.Tensor): tf.Tensor => tf.sigmoid(model.decoder.apply(z));
    return [
      some,
      probabilities(model.posterior(some).sample({ rng })),
      probabilities(model.prior.sample({ shape: [100], rng })),
      model.posterior(tf.slice(test, 0, placed)).sample({ rng }),
    ];
  });
  const along = principalComponents(await latents.data(), LATENT);
  const reach = Math.max(...along.map(Math.abs));
  const [a, b] = [await originals.data(), await reconstructions.data()];
  const rows: number[] = [];
  for (let row = 0; row < shown; row += 10) {
    const part = (values: ArrayLike<number>): number[] => Array.from(values).slice(row * SIZE * SIZE, (row + 10) * SIZE * SIZE);
    rows.push(...part(a), ...part(b));
  }
  const left = below([
    caption('test images, each row above its reconstruction', tiles(rows, { size: SIZE, columns: 10 })),
    caption('images drawn from the model', tiles(await samples.data(), { size: SIZE, columns: 10 })),
  ]);
  const points = scatter(along, { size: 600, range: [-reach, reach], labels: labels.subarray(0, placed) });
  const right = below([caption('test images in latent space, two main directions', beside([points, colourKey()], 0))]);
  writePng(path, beside([left, right], 0));
  tf.dispose([originals, reconstructions, samples, latents]);
}
