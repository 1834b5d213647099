// What a training step costs: `npm run bench`, `npm run bench -- cpu wasm`. Median milliseconds of forward pass, gradients, Adam and
// the loss read back, after a warm-up, for each model on each backend. Compare figures of one run only: machines vary.
import * as tf from '@tensorflow/tfjs-core';
import type { Bijector, Module, Rng } from 'tfjs-flows';
import { chain, createRng, elbo, flow, iaf, logisticMixtureCoupling, reversePermutation, standardNormal } from 'tfjs-flows';
import { useBackend } from 'tfjs-flows/backends';
import { mafFlow, mlpVae, planarFlow, realNvp } from 'tfjs-flows/models';
import { adam, fit } from 'tfjs-flows/training';

/** A model, its batch, and the loss of a step. */
interface Workload {
  readonly name: string;
  readonly make: (rng: Rng) => { model: Module; batch: tf.Tensor; loss: (x: tf.Tensor, call: { rng: Rng }) => tf.Tensor };
}

const maximumLikelihood = (name: string, dim: number, rows: number, bijector: (rng: Rng) => Bijector): Workload => ({
  name,
  make: (rng) => {
    const model = flow({ base: standardNormal({ eventShape: [dim] }), bijector: bijector(rng) });
    return { model, batch: rng.normal([rows, dim]), loss: (x) => tf.neg(model.logProb(x)) };
  },
});

const WORKLOADS: readonly Workload[] = [
  {
    name: 'planar x 16, reverse KL, D = 32, B = 128',
    make: (rng) => {
      const model = planarFlow({ dim: 32, steps: 16, rng });
      const loss = (_: tf.Tensor, call: { rng: Rng }): tf.Tensor => {
        const [z, logDet] = model.forwardAndLogDet(call.rng.normal([128, 32]));
        return tf.sub(tf.mul(tf.sum(tf.square(z), -1), 0.5), logDet);
      };
      return { model, batch: tf.zeros([1]), loss };
    },
  },
  maximumLikelihood('RealNVP x 8, D = 2, B = 512', 2, 512, (rng) => realNvp({ dim: 2, hidden: [64, 64], rng })),
  maximumLikelihood('RealNVP x 8, D = 64, B = 128', 64, 128, (rng) => realNvp({ dim: 64, hidden: [256, 256], rng })),
  maximumLikelihood('MAF x 4, D = 32, B = 128', 32, 128, (rng) => mafFlow({ dim: 32, layers: 4, hidden: [320, 320], rng })),
  maximumLikelihood('IAF, by its sequential inverse, D = 32, B = 128', 32, 128, (rng) => iaf({ dim: 32, rng })),
  maximumLikelihood('mixture coupling x 4, D = 64, B = 128', 64, 128, (rng) =>
    chain(
      Array.from({ length: 4 }, () => [
        logisticMixtureCoupling({ dim: 64, components: 8, hidden: [256, 256], rng }),
        reversePermutation({ dim: 64 }),
      ]).flat(),
    ),
  ),
  ...(['gaussian', 'planar', 'iaf'] as const).map(
    (posterior): Workload => ({
      name: `VAE 784-300-300-40, ${posterior} posterior, B = 100`,
      make: (rng) => {
        const model = mlpVae({ dataDim: 784, latentDim: 40, posterior, rng });
        const objective = elbo({ model });
        const batch = tf.tidy(() => tf.cast(tf.greater(rng.uniform([100, 784]), 0.8), 'float32'));
        return { model, batch, loss: (x, call) => tf.neg(objective(x, call)) };
      },
    }),
  ),
];

const names = process.argv.slice(2);
const backends = names.length > 0 ? names : ['wasm'];
console.log(`| training step, ms (median of a run) | ${backends.join(' | ')} |\n|---|${backends.map(() => '--:|').join('')}`);
for (const workload of WORKLOADS) {
  const medians: string[] = [];
  for (const backend of backends) {
    await useBackend([backend]);
    medians.push((await medianStep(workload)).toFixed(1));
  }
  console.log(`| ${workload.name} | ${medians.join(' | ')} |`);
}

/** Steps for about three seconds after a warm-up, at least seven. */
async function medianStep({ make }: Workload): Promise<number> {
  const rng = createRng(0);
  const { model, batch, loss } = make(rng);
  const optimizer = adam();
  const times: number[] = [];
  const stop = new AbortController();
  const started = performance.now();
  let last = started;
  await fit({
    model,
    data: [batch],
    epochs: 10000,
    loss: (x: tf.Tensor, call) => loss(x, call),
    optimizer,
    rng,
    signal: stop.signal,
    onProgress: () => {
      const now = performance.now();
      times.push(now - last);
      last = now;
      if (times.length >= 10 && now - started > 3000) {
        stop.abort();
      }
    },
  });
  optimizer.dispose();
  model.dispose();
  batch.dispose();
  const sorted = times.slice(3).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
