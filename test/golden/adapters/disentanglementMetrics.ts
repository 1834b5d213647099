import type { Tensor } from '@tensorflow/tfjs-core';
import { transpose } from '@tensorflow/tfjs-core';
import { createRng } from 'tfjs-flows';
import type { Representation } from 'tfjs-flows/metrics';
import { dci, explicitness, mig, modularity, sap } from 'tfjs-flows/metrics';
import { judgeDifferences } from '../../../src/metrics/betaVaeScore.js';
import { dciScores } from '../../../src/metrics/dci.js';
import { codeThatVariesLeast, judgeVotes } from '../../../src/metrics/factorVaeScore.js';
import { totalCorrelationOf } from '../../../src/metrics/gaussianTotalCorrelation.js';
import { binsOf } from '../../../src/metrics/information.js';
import { modularityOf } from '../../../src/metrics/modularity.js';
import type { GoldenArray, GoldenCase, GoldenTree } from '../cases.js';
import { arrayOf, tensorOf } from '../cases.js';
import type { Check } from '../check.js';
import type { Adapter } from './adapter.js';
import { unknown } from './adapter.js';

const TOLERANCE = 1e-9;
/** Where a solver of the reference stands behind the numbers. */
const SOLVER = 0.03;

/** Metrics of `tfjs-flows/metrics`, by what a case expects. */
export const disentanglementMetricsAdapter: Adapter = async (golden, check) => {
  const found = METRICS.find(([path]) => path in golden.expected);
  if (found === undefined) {
    throw unknown('metric with the results', Object.keys(golden.expected));
  }
  await found[1](golden, check);
};

async function checkInformation({ params, inputs }: GoldenCase, check: Check): Promise<void> {
  const options = { ...representationOf(inputs), bins: params.bins as number };
  const { score, perFactor, mutualInformation, factorEntropy } = await mig(options);
  check.nearNumbers('mutual_information', mutualInformation.flat(), TOLERANCE);
  check.nearNumbers('factor_entropy', factorEntropy, TOLERANCE);
  check.nearNumbers('mig_per_factor', perFactor, TOLERANCE);
  check.nearNumbers('mig', [score], TOLERANCE);
  check.nearNumbers('modularity', [(await modularity(options)).score], TOLERANCE);
  // Theirs count from 1.
  const bins = rowsOf(arrayOf(inputs, 'codes')).flatMap((row) => [...binsOf(Float64Array.from(row), options.bins)]);
  check.nearNumbers(
    'discretised_codes',
    bins.map((bin) => bin + 1),
    0,
  );
}

async function checkSap({ inputs }: GoldenCase, check: Check): Promise<void> {
  const continuous = !('codes_test' in inputs);
  const all = representationOf(inputs);
  const test = continuous ? all : representationOf(inputs, '_test');
  const { score, predictability } = await sap({ ...all, test, continuous });
  // One feature and a strictly convex problem: the solver is exact.
  check.nearNumbers('score_matrix', predictability.flat(), TOLERANCE);
  check.nearNumbers('sap', [score], TOLERANCE);
}

async function checkDci({ inputs }: GoldenCase, check: Check): Promise<void> {
  const importance = rowsOf(arrayOf(inputs, 'importance'));
  const scores = dciScores(importance);
  check.nearNumbers('disentanglement', [scores.disentanglement], TOLERANCE);
  check.nearNumbers('completeness', [scores.completeness], TOLERANCE);
  check.nearNumbers('disentanglement_per_code', scores.disentanglementPerCode, TOLERANCE);
  check.nearNumbers('completeness_per_factor', scores.completenessPerFactor, TOLERANCE);
  if (!('codes' in inputs)) {
    return;
  }
  const options = { ...representationOf(inputs), test: representationOf(inputs, '_test'), rng: createRng(0) };
  const report = await dci(options);
  check.nearNumbers('informativeness_train', [report.trainInformativeness], SOLVER);
  check.nearNumbers('informativeness_test', [report.informativeness], SOLVER);
  const error = Math.max(...report.importance.flat().map((value, i) => Math.abs(value - (importance.flat()[i] as number))));
  check.small('importance', error, SOLVER);
  check.small('disentanglement of our own matrix', Math.abs(report.disentanglement - scores.disentanglement), SOLVER);
  check.small('completeness of our own matrix', Math.abs(report.completeness - scores.completeness), SOLVER);
}

async function checkExplicitness({ inputs }: GoldenCase, check: Check): Promise<void> {
  const report = await explicitness({ ...representationOf(inputs), test: representationOf(inputs, '_test') });
  check.nearNumbers('auc_train', report.trainPerFactor, SOLVER);
  check.nearNumbers('auc_test', report.perFactor, SOLVER);
  check.nearNumbers('explicitness_train', [report.trainScore], SOLVER);
  check.nearNumbers('explicitness_test', [report.score], SOLVER);
}

async function checkFactorVae({ params, inputs }: GoldenCase, check: Check): Promise<void> {
  const [factors, codes, train] = ['num_factors', 'num_codes', 'num_train'].map((name) => params[name] as number) as [
    number,
    number,
    number,
  ];
  const sample = columnsOf(rowsOf(arrayOf(inputs, 'variance_sample')));
  const code = codeThatVariesLeast(sample, params.prune_std_below as number);
  const batches = arrayOf(inputs, 'batches');
  const [votes, rows] = batches.shape as [number, number, number];
  const all = rowsOf({ shape: [votes * rows, codes], data: batches.data });
  // Theirs count active codes only.
  const place = code.active.map((_, d) => code.active.slice(0, d).filter(Boolean).length);
  const least = Int32Array.from({ length: votes }, (_, vote) =>
    code.of(columnsOf(all.slice(vote * rows, (vote + 1) * rows))),
  ).map((d) => place[d] as number);
  const fixed = Int32Array.from(arrayOf(inputs, 'fixed_factor').data);
  const part = (start: number, end: number) => ({ factors: fixed.subarray(start, end), codes: least.subarray(start, end) });
  const [first, second] = [part(0, train), part(train, votes)];
  const report = judgeVotes(first, second, codes, factors);
  check.nearNumbers('global_variances', code.variances, TOLERANCE);
  check.nearNumbers('active', code.active.map(Number), 0);
  check.nearNumbers('num_active_dims', [code.active.filter(Boolean).length], 0);
  check.nearNumbers('argmin', least, 0);
  check.nearNumbers(
    'votes_train',
    columnsOf(report.votes).flatMap((row) => [...row]),
    0,
  );
  check.nearNumbers(
    'votes_eval',
    columnsOf(judgeVotes(second, first, codes, factors).votes).flatMap((row) => [...row]),
    0,
  );
  check.nearNumbers(
    'classifier',
    report.votes.map((row) => row.indexOf(Math.max(...row))),
    0,
  );
  check.nearNumbers('train_accuracy', [report.trainScore], TOLERANCE);
  check.nearNumbers('eval_accuracy', [report.score], TOLERANCE);
  check.aside('counts the codes that do not vote, too', 'num_active_dims_as_released');
}

async function checkBetaVae({ params, inputs }: GoldenCase, check: Check): Promise<void> {
  const train = params.num_train as number;
  const rows = rowsOf(arrayOf(inputs, 'features'));
  const labels = Int32Array.from(arrayOf(inputs, 'labels').data);
  const part = (start: number, end: number) => ({
    features: columnsOf(rows.slice(start, end)),
    labels: labels.subarray(start, end),
  });
  const report = judgeDifferences(part(0, train), part(train, rows.length), params.num_factors as number);
  check.nearNumbers('train_accuracy', [report.trainScore], TOLERANCE);
  check.nearNumbers('eval_accuracy', [report.score], TOLERANCE);
  check.nearNumbers('weights', report.model.weights.flat(), 1e-3);
  check.nearNumbers('intercept', report.model.intercepts, 1e-3);
  check.nearNumbers('predicted', report.model.predict(columnsOf(rows)), 0);
  const probabilities = report.model.probabilities(columnsOf(rows.slice(0, train)));
  const loss = probabilities.reduce((total, row, i) => total - Math.log(row[labels[i] as number] as number), 0) / train;
  check.nearNumbers('mean_log_loss_train', [loss], 1e-4);
}

async function checkModularity({ inputs }: GoldenCase, check: Check): Promise<void> {
  const perCode = rowsOf(arrayOf(inputs, 'mutual_information')).map(modularityOf);
  check.nearNumbers('modularity', [perCode.reduce((total, value) => total + value, 0) / perCode.length], TOLERANCE);
}

async function checkTotalCorrelation({ inputs }: GoldenCase, check: Check): Promise<void> {
  check.nearNumbers('total_correlation', [totalCorrelationOf(rowsOf(arrayOf(inputs, 'covariance')))], TOLERANCE);
}

/** From the most particular result to the least. */
const METRICS: readonly (readonly [path: string, run: (golden: GoldenCase, check: Check) => Promise<void>])[] = [
  ['mig', checkInformation],
  ['sap', checkSap],
  ['disentanglement', checkDci],
  ['explicitness_test', checkExplicitness],
  ['votes_eval', checkFactorVae],
  ['mean_log_loss_train', checkBetaVae],
  ['modularity', checkModularity],
  ['total_correlation', checkTotalCorrelation],
];

/** Theirs are [columns, N]. */
function representationOf(inputs: GoldenTree, suffix = ''): Representation {
  const table = (name: string): Tensor => transpose(tensorOf(inputs, name + suffix));
  return { codes: table('codes'), factors: table('factors') };
}

function rowsOf({ shape, data }: Pick<GoldenArray, 'shape' | 'data'>): number[][] {
  const [rows, columns] = shape as [number, number];
  return Array.from({ length: rows }, (_, row) => data.slice(row * columns, (row + 1) * columns));
}

function columnsOf(rows: readonly (readonly number[])[]): Float64Array[] {
  return (rows[0] as readonly number[]).map((_, d) => Float64Array.from(rows, (row) => row[d] as number));
}
