import type { Adapter } from './adapter.js';
import { awaiting, unknown } from './adapter.js';

/** Metrics of `tfjs-flows/metrics`, by what a case expects. */
export const disentanglementMetricsAdapter: Adapter = async (golden, check, folder) => {
  const found = METRICS.find(([path]) => path in golden.expected);
  if (found === undefined) {
    throw unknown('metric with the results', Object.keys(golden.expected));
  }
  await awaiting(...found[1])(golden, check, folder);
};

/** From the most particular result to the least. */
const METRICS: readonly (readonly [path: string, components: readonly string[]])[] = [
  ['mig', ['metrics/mig', 'metrics/modularity']],
  ['sap', ['metrics/sap']],
  ['disentanglement', ['metrics/dci']],
  ['explicitness_test', ['metrics/explicitness']],
  ['votes_eval', ['metrics/factorVaeScore']],
  ['mean_log_loss_train', ['metrics/betaVaeScore']],
  ['modularity', ['metrics/modularity']],
  ['total_correlation', ['totalCorrelation']],
];
