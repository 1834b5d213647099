// The bias of mutual information, total correlation and dimension-wise KL as minibatches tell them: a table of docs/estimators.md.
import * as tf from '@tensorflow/tfjs';
import type { LatentVariableModel, TotalCorrelationOptions } from 'tfjs-flows';
import { createRng, diagNormal, standardNormal, totalCorrelation } from 'tfjs-flows';

/** N. */
const POINTS = 1000;
const BATCHES = [16, 64, 256, 1000];
const TERMS = ['mutualInformation', 'totalCorrelation', 'dimensionWiseKl'] as const;

/** Three latents, the first two of which tell in part the same; each with the same noise. */
const modelOf = (noise: number): LatentVariableModel => ({
  prior: standardNormal({ eventShape: [3] }),
  posterior: (x) => diagNormal({ mean: tf.matMul(x, MIXING), scale: tf.fill([x.shape[0]!, 3], noise) }),
  likelihood: (z) => diagNormal({ mean: z, scale: 1 }),
});
const MIXING = tf.tensor2d([
  [0.8, 0.5, 0],
  [0, 0.6, 0],
  [0, 0, 0.8],
]);

type Estimate = Record<(typeof TERMS)[number], { mean: number; error: number }>;

/** The mean over runs of other draws and batches, over the same data points, and its standard error. */
async function repeated(options: Omit<TotalCorrelationOptions, 'rng'>, runs: number): Promise<Estimate> {
  const reports: Record<(typeof TERMS)[number], number>[] = [];
  for (let seed = 0; seed < runs; seed++) {
    reports.push(await totalCorrelation({ ...options, rng: createRng(seed + 1) }));
  }
  const estimate = (term: (typeof TERMS)[number]): { mean: number; error: number } => {
    const values = reports.map((report) => report[term]);
    const mean = values.reduce((sum, value) => sum + value, 0) / runs;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { mean, error: Math.sqrt(squares / (runs - 1) / runs) };
  };
  return Object.fromEntries(TERMS.map((term) => [term, estimate(term)])) as Estimate;
}

/** Rows of cells, the first the head: the exact numbers, then what each estimator is off by. */
export async function minibatchRows(runs: number): Promise<string[][]> {
  const data = createRng(0).normal([POINTS, 3]);
  const rows = [['noise of q(z given x)', 'estimator', 'B', 'mutual information', 'total correlation', 'dimension-wise KL']];
  for (const noise of [0.1, 0.5]) {
    const problem = { model: modelOf(noise), data };
    const exact = await repeated(problem, runs);
    rows.push([
      `${noise}`,
      'exact',
      '',
      ...TERMS.map((term) => `${exact[term].mean.toFixed(3)} ± ${exact[term].error.toFixed(3)}`),
    ]);
    for (const estimator of ['stratified', 'weighted'] as const) {
      for (const batchSize of BATCHES) {
        const found = await repeated({ ...problem, estimator, batchSize }, runs);
        const off = (term: (typeof TERMS)[number]): string => {
          const bias = found[term].mean - exact[term].mean;
          return `${bias < 0 ? '' : '+'}${bias.toFixed(3)} ± ${Math.hypot(found[term].error, exact[term].error).toFixed(3)}`;
        };
        rows.push([`${noise}`, `'${estimator}'`, `${batchSize}`, ...TERMS.map(off)]);
      }
    }
  }
  data.dispose();
  return rows;
}
