import { randomPermutation } from '../core/randomPermutation.js';
import type { Rng } from '../core/rng.js';
import { createBreather } from '../core/tiles.js';
import { indexOfLargest, sumOf } from './statistics.js';

/** A problem of classification, and the size of the model. */
export interface BoostingProblem {
  /** [D] columns of N numbers. */
  readonly columns: readonly Float64Array[];
  /** [N], of 0 ... classes - 1, each of which occurs. */
  readonly labels: Int32Array;
  readonly classes: number;
  readonly trees: number;
  readonly depth: number;
  readonly learningRate: number;
  /** Decides between splits that are equally good. */
  readonly rng: Rng;
}

/** A boosted classifier. */
export interface BoostedTrees {
  /** How much of the decrease of impurity each column brings, [D]: a sum of 1, or all 0 where nothing could be split. */
  readonly importance: readonly number[];
  /** [N] classes. */
  predict(columns: readonly Float64Array[]): Int32Array;
}

/**
 * Gradient-boosted regression trees on the log loss (Friedman 2001, "Greedy function approximation", algorithm 6): in each stage a
 * tree for each class (one for two classes) is fitted to the residuals y - p, and its leaves take a Newton step.
 */
export async function gradientBoosting(problem: BoostingProblem): Promise<BoostedTrees> {
  const { columns, labels, classes, trees, learningRate } = problem;
  const n = labels.length;
  // Two classes have one logit, that of the second.
  const outputs = classes === 2 ? 1 : classes;
  const firstClass = classes - outputs;
  const shrinkage = outputs === 1 ? 1 : (classes - 1) / classes;
  const orders = columns.map((column) =>
    Int32Array.from({ length: n }, (_, i) => i).sort((a, b) => (column[a] as number) - (column[b] as number)),
  );
  const indicators = Array.from({ length: outputs }, (_, k) =>
    Float64Array.from(labels, (label) => (label === firstClass + k ? 1 : 0)),
  );
  const priors = indicators.map((indicator) => {
    const share = sumOf(indicator) / n;
    return outputs === 1 ? Math.log(share / (1 - share)) : Math.log(share);
  });
  const logits = priors.map((prior) => new Float64Array(n).fill(prior));
  const stages: Tree[][] = [];
  const totals = columns.map(() => 0);
  const breathe = createBreather();

  for (let stage = 0; stage < trees; stage++) {
    const probabilities = probabilitiesOf(logits);
    stages.push(
      indicators.map((indicator, k) => {
        const probability = probabilities[k] as Float64Array;
        const residuals = indicator.map((y, i) => y - (probability[i] as number));
        const tree = growTree(problem, orders, residuals);
        const sums = tree.feature.map(() => 0);
        const curvatures = tree.feature.map(() => 0);
        for (let i = 0; i < n; i++) {
          const leaf = tree.places[i] as number;
          const p = probability[i] as number;
          sums[leaf] = (sums[leaf] as number) + (residuals[i] as number);
          curvatures[leaf] = (curvatures[leaf] as number) + p * (1 - p);
        }
        const value = sums.map((total, leaf) => {
          const curvature = curvatures[leaf] as number;
          return curvature < LEAST_CURVATURE ? 0 : (learningRate * shrinkage * total) / curvature;
        });
        const logit = logits[k] as Float64Array;
        for (let i = 0; i < n; i++) {
          logit[i] = (logit[i] as number) + (value[tree.places[i] as number] as number);
        }
        tree.gains.forEach((gain, d) => {
          totals[d] = (totals[d] as number) + gain;
        });
        return { ...tree, value };
      }),
    );
    await breathe();
  }

  const whole = sumOf(totals);
  return {
    importance: totals.map((total) => (whole === 0 ? 0 : total / whole)),
    predict: (rows) =>
      Int32Array.from({ length: (rows[0] as Float64Array).length }, (_, i) => {
        const scores = priors.map((prior, k) =>
          stages.reduce((total, stage) => total + valueAt(stage[k] as Tree, rows, i), prior),
        );
        return outputs === 1 ? Number((scores[0] as number) > 0) : indexOfLargest(scores);
      }),
  };
}

const LEAST_CURVATURE = 1e-150;

/** sigmoid of a single logit, softmax of several. */
function probabilitiesOf(logits: readonly Float64Array[]): Float64Array[] {
  if (logits.length === 1) {
    return logits.map((logit) => logit.map((value) => 1 / (1 + Math.exp(-value))));
  }
  const n = (logits[0] as Float64Array).length;
  const result = logits.map(() => new Float64Array(n));
  for (let i = 0; i < n; i++) {
    const most = logits.reduce((top, logit) => Math.max(top, logit[i] as number), Number.NEGATIVE_INFINITY);
    const weights = logits.map((logit) => Math.exp((logit[i] as number) - most));
    const total = sumOf(weights);
    weights.forEach((weight, k) => {
      (result[k] as Float64Array)[i] = weight / total;
    });
  }
  return result;
}

/** Node q asks whether column feature[q] is at most threshold[q]: then it goes on at left[q], else at the node after that. */
interface Structure {
  /** -1 for a leaf. */
  readonly feature: number[];
  readonly threshold: number[];
  readonly left: number[];
}

interface Tree extends Structure {
  /** Of each node; what is no leaf has one that is not used. */
  readonly value: number[];
}

interface GrownTree extends Structure {
  /** The leaf of each row. */
  readonly places: Int32Array;
  /** Decrease of the squared error by column. */
  readonly gains: number[];
}

/** A regression tree by least squares, grown level by level; `orders` are the rows in the order of each column. */
function growTree({ columns, depth, rng }: BoostingProblem, orders: readonly Int32Array[], target: Float64Array): GrownTree {
  const places = new Int32Array(target.length);
  const tree: GrownTree = { feature: [-1], threshold: [0], left: [0], places, gains: columns.map(() => 0) };
  const features = randomPermutation(rng, columns.length);
  let first = 0;
  for (let level = 0; level < depth; level++) {
    const last = tree.feature.length;
    const nodes = momentsOf(target, places, first, last);
    for (const d of features) {
      scan(columns[d] as Float64Array, orders[d] as Int32Array, target, places, first, nodes, d);
    }
    nodes.forEach((node, q) => {
      if (node.feature >= 0) {
        tree.feature[first + q] = node.feature;
        tree.threshold[first + q] = node.threshold;
        tree.left[first + q] = tree.feature.length;
        tree.feature.push(-1, -1);
        tree.threshold.push(0, 0);
        tree.left.push(0, 0);
        tree.gains[node.feature] = (tree.gains[node.feature] as number) + node.gain;
      }
    });
    for (let i = 0; i < places.length; i++) {
      places[i] = childOf(tree, places[i] as number, columns, i);
    }
    first = last;
  }
  return tree;
}

/** The child of a node where row i goes; the node itself where it is a leaf. */
function childOf(tree: Structure, node: number, columns: readonly Float64Array[], i: number): number {
  const feature = tree.feature[node] as number;
  if (feature < 0) {
    return node;
  }
  const value = (columns[feature] as Float64Array)[i] as number;
  return (tree.left[node] as number) + (value <= (tree.threshold[node] as number) ? 0 : 1);
}

function valueAt(tree: Tree, columns: readonly Float64Array[], i: number): number {
  let node = 0;
  while ((tree.feature[node] as number) >= 0) {
    node = childOf(tree, node, columns, i);
  }
  return tree.value[node] as number;
}

/** A node that may be split: what is in it, its best split so far, and where a scan of a column stands. */
interface OpenNode {
  readonly count: number;
  readonly sum: number;
  readonly pure: boolean;
  feature: number;
  threshold: number;
  gain: number;
  leftCount: number;
  leftSum: number;
  previous: number;
}

function momentsOf(target: Float64Array, places: Int32Array, first: number, last: number): OpenNode[] {
  const [counts, sums, squares] = [0, 0, 0].map(() => new Float64Array(last - first)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < target.length; i++) {
    const q = (places[i] as number) - first;
    if (q >= 0) {
      const value = target[i] as number;
      counts[q] = (counts[q] as number) + 1;
      sums[q] = (sums[q] as number) + value;
      squares[q] = (squares[q] as number) + value * value;
    }
  }
  return Array.from(counts, (count, q) => {
    const sum = sums[q] as number;
    const pure = (squares[q] as number) / count - (sum / count) ** 2 <= Number.EPSILON;
    return { count, sum, pure, feature: -1, threshold: 0, gain: -1, leftCount: 0, leftSum: 0, previous: 0 };
  });
}

/** Looks for a better split of every open node by one column. */
function scan(
  column: Float64Array,
  order: Int32Array,
  target: Float64Array,
  places: Int32Array,
  first: number,
  nodes: readonly OpenNode[],
  feature: number,
): void {
  for (const node of nodes) {
    node.leftCount = 0;
    node.leftSum = 0;
  }
  for (const i of order) {
    const q = (places[i] as number) - first;
    const node = nodes[q];
    if (node === undefined || node.pure) {
      continue;
    }
    const value = column[i] as number;
    if (node.leftCount > 0 && value > node.previous + LEAST_STEP) {
      const rightCount = node.count - node.leftCount;
      const difference = node.leftSum / node.leftCount - (node.sum - node.leftSum) / rightCount;
      const gain = ((node.leftCount * rightCount) / node.count) * difference * difference;
      if (gain > node.gain) {
        node.gain = gain;
        node.feature = feature;
        node.threshold = node.previous / 2 + value / 2;
      }
    }
    node.leftCount += 1;
    node.leftSum += target[i] as number;
    node.previous = value;
  }
}

/** Numbers that are nearer than this are not told apart. */
const LEAST_STEP = 1e-7;
