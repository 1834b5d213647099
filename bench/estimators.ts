// Bias and variance of the gradient estimators on one linear-Gaussian model, and the bias of minibatches, as docs/estimators.md shows
// them:
// `npm run estimators` writes the tables there; `npm run estimators -- --draws 1000` prints rougher ones and writes nothing.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import type { IwaeGradientEstimator, LatentVariableModel, Objective } from 'tfjs-flows';
import { createRng, diagNormal, elbo, iwae, standardNormal } from 'tfjs-flows';
import { minibatchRows } from './minibatchEstimators.js';

const PAGE = new URL('docs/estimators.md', `file://${process.cwd()}/`);
const { values: options } = parseArgs({ options: { draws: { type: 'string' } } });
const draws = Number(options.draws ?? 100_000);
if (!Number.isInteger(draws) || draws < 2) {
  throw new Error(`--draws should be an integer of at least 2, but got '${options.draws}'.`);
}

/** The model's one data point. The exact posterior is N(X / 2, 1 / 2). */
const X = 1.5;
/** Gradients at a time: each is a row of a batch. */
const ROWS = 4000;

/** z ~ N(0, 1), x ~ N(z, 1), q(z | x) = N(mean, e^(2 logScale)). */
const model = (mean: tf.Tensor, logScale: tf.Tensor): LatentVariableModel => ({
  prior: standardNormal({ eventShape: [1] }),
  posterior: () => diagNormal({ mean, logScale }),
  likelihood: (z) => diagNormal({ mean: z, scale: 1 }),
});

interface Place {
  readonly name: string;
  readonly mean: number;
  readonly logScale: number;
}
const AWAY: Place = { name: 'q = N(0.3, 0.8²)', mean: 0.3, logScale: Math.log(0.8) };
const OPTIMUM: Place = { name: 'q exact', mean: X / 2, logScale: -0.5 * Math.LN2 };

/** Mean and variance of a gradient in mean and log-scale, and the standard error of that mean. */
interface Moments {
  readonly mean: readonly number[];
  readonly variance: readonly number[];
  readonly error: readonly number[];
}

async function moments(
  make: (model: LatentVariableModel) => Objective,
  { mean, logScale }: Place,
  count = draws,
  seed = 0,
): Promise<Moments> {
  const rng = createRng(seed);
  const sums = [0, 0];
  const squares = [0, 0];
  for (let done = 0; done < count; done += ROWS) {
    const gradients = tf.tidy(() => {
      const x = tf.fill([ROWS, 1], X);
      const total = (m: tf.Tensor, l: tf.Tensor): tf.Tensor => tf.sum(make(model(m, l))(x, { rng }));
      return tf.grads(total)([tf.fill([ROWS, 1], mean), tf.fill([ROWS, 1], logScale)]);
    });
    for (const [j, gradient] of gradients.entries()) {
      for (const value of await gradient.data()) {
        sums[j]! += value;
        squares[j]! += value ** 2;
      }
    }
    tf.dispose(gradients);
  }
  const all = Math.ceil(count / ROWS) * ROWS;
  const means = sums.map((sum) => sum / all);
  const variance = squares.map((square, j) => Math.max(0, square / all - means[j]! ** 2));
  return { mean: means, variance, error: variance.map((value) => Math.sqrt(value / all)) };
}

/** d/dm and d/dlog s of E_q log p(x, z) - E_q log q: x - 2 m and 1 - 2 s^2. */
const exact = ({ mean, logScale }: Place): readonly number[] => [X - 2 * mean, 1 - 2 * Math.exp(2 * logScale)];

const table = (rows: readonly (readonly string[])[]): string =>
  rows.flatMap((row, i) => [`| ${row.join(' | ')} |`, ...(i === 0 ? [`|${'---|'.repeat(row.length)}`] : [])]).join('\n');

const number = (value: number): string => (Math.abs(value) < 5e-7 ? '0' : Number(value.toPrecision(2)).toString());
/** With its standard error, which that of the truth adds to. */
const bias = ({ mean, error }: Moments, j: number, truth: number, itsError = 0): string =>
  `${number(mean[j]! - truth)} ± ${number(Math.hypot(error[j]!, itsError))}`;

async function elboTable(): Promise<string> {
  const rows = [['estimator of the ELBO', 'at', 'bias, mean', 'variance, mean', 'bias, log-scale', 'variance, log-scale']];
  for (const place of [AWAY, OPTIMUM]) {
    const estimators: [string, (model: LatentVariableModel) => Objective][] = [
      ["'reparameterised', KL by formula", (m) => elbo({ model: m })],
      ["'reparameterised', KL from the draw", (m) => elbo({ model: m, kl: 'monteCarlo' })],
      ["'stickingTheLanding'", (m) => elbo({ model: m, gradient: 'stickingTheLanding' })],
      ["'path'", (m) => elbo({ model: m, gradient: 'path' })],
    ];
    for (const [name, make] of estimators) {
      const found = await moments(make, place);
      const cells = [0, 1].flatMap((j) => [bias(found, j, exact(place)[j]!), number(found.variance[j]!)]);
      rows.push([name, place.name, ...cells]);
    }
  }
  return table(rows);
}

async function iwaeTable(): Promise<string> {
  const rows = [['estimator of the IWAE bound', 'S', 'bias, mean', 'variance, mean', 'signal to noise, mean']];
  const estimators: IwaeGradientEstimator[] = ['reparameterised', 'stickingTheLanding', 'doublyReparameterised', 'path'];
  for (const samples of [1, 8, 64]) {
    const count = Math.ceil(draws / samples);
    const make = (gradient: IwaeGradientEstimator) => (m: LatentVariableModel) => iwae({ model: m, samples, gradient });
    // No closed form for S > 1: an unbiased estimator of little variance, with draws of its own.
    const reference = await moments(make('doublyReparameterised'), AWAY, 2 * count, 1);
    const [truth, itsError] = samples === 1 ? [exact(AWAY)[0]!, 0] : [reference.mean[0]!, reference.error[0]!];
    for (const gradient of estimators) {
      const found = await moments(make(gradient), AWAY, count);
      const ratio = Math.abs(found.mean[0]!) / Math.sqrt(found.variance[0]!);
      rows.push([`'${gradient}'`, `${samples}`, bias(found, 0, truth, itsError), number(found.variance[0]!), number(ratio)]);
    }
  }
  return table(rows);
}

await tf.setBackend('cpu');
const tables = {
  estimators: `${await elboTable()}\n\n${await iwaeTable()}`,
  minibatches: table(await minibatchRows(options.draws === undefined ? 5 : 2)),
};
if (options.draws === undefined) {
  const page = Object.entries(tables).reduce(
    (text, [name, of]) => text.replace(new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`), `$1${of}\n$2`),
    readFileSync(PAGE, 'utf8'),
  );
  writeFileSync(PAGE, page);
  console.log(`docs/estimators.md has the tables of ${draws} draws.`);
} else {
  console.log(Object.values(tables).join('\n\n'));
}
