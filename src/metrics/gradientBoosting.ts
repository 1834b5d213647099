import { randomPermutation } from '../core/randomPermutation.js';
import type { Rng } from '../core/rng.js';
import { sumOf } from '../core/statistics.js';
import { createBreather } from '../core/tiles.js';
import { indexOfLargest } from './statistics.js';

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
  const { columns, labels, classes, trees, depth, learningRate } = problem;
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
          stages.reduce((total, stage) => total + valueAt(stage[k] as Tree, depth, rows, i), prior),
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
  /** Not set for leaves, as is `left`. */
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
  const tree: GrownTree = { feature: [-1], threshold: [], left: [], places, gains: columns.map(() => 0) };
  const features = randomPermutation(rng, columns.length);
  let first = 0;
  for (let level = 0; level < depth; level++) {
    const last = tree.feature.length;
    const nodes = openNodes(target, places, first, last);
    for (const d of features) {
      scan(columns[d] as Float64Array, orders[d] as Int32Array, target, places, first, nodes, d);
    }
    nodes.feature.forEach((feature, q) => {
      if (feature >= 0) {
        tree.feature[first + q] = feature;
        tree.threshold[first + q] = nodes.threshold[q] as number;
        tree.left[first + q] = tree.feature.length;
        tree.feature.push(-1, -1);
        tree.gains[feature] = (tree.gains[feature] as number) + (nodes.gain[q] as number);
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

function valueAt(tree: Tree, depth: number, columns: readonly Float64Array[], i: number): number {
  let node = 0;
  for (let step = 0; step < depth; step++) {
    node = childOf(tree, node, columns, i);
  }
  return tree.value[node] as number;
}

/** The nodes of a level, which may be split: what is in them and the best split of each so far. */
interface OpenNodes {
  readonly count: Float64Array;
  readonly sum: Float64Array;
  /** -1 where there is no split. */
  readonly feature: Int32Array;
  readonly threshold: Float64Array;
  readonly gain: Float64Array;
}

function openNodes(target: Float64Array, places: Int32Array, first: number, last: number): OpenNodes {
  const size = last - first;
  const [count, sum] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < target.length; i++) {
    const q = (places[i] as number) - first;
    if (q >= 0) {
      count[q] = (count[q] as number) + 1;
      sum[q] = (sum[q] as number) + (target[i] as number);
    }
  }
  return {
    count,
    sum,
    feature: new Int32Array(size).fill(-1),
    threshold: new Float64Array(size),
    gain: new Float64Array(size).fill(-1),
  };
}

/** Looks for a better split of every open node by one column. This loop is where the time goes. */
function scan(
  column: Float64Array,
  order: Int32Array,
  target: Float64Array,
  places: Int32Array,
  first: number,
  nodes: OpenNodes,
  feature: number,
): void {
  const size = nodes.count.length;
  // Of the rows that came already, which would go left.
  const [leftCount, leftSum, previous] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  for (let at = 0; at < order.length; at++) {
    const i = order[at] as number;
    const q = (places[i] as number) - first;
    if (q < 0) {
      continue;
    }
    const value = column[i] as number;
    const left = leftCount[q] as number;
    const before = previous[q] as number;
    if (left > 0 && value > before + LEAST_STEP) {
      const right = (nodes.count[q] as number) - left;
      const sum = leftSum[q] as number;
      const difference = sum / left - ((nodes.sum[q] as number) - sum) / right;
      const gain = ((left * right) / (left + right)) * difference * difference;
      if (gain > (nodes.gain[q] as number)) {
        nodes.gain[q] = gain;
        nodes.feature[q] = feature;
        nodes.threshold[q] = before / 2 + value / 2;
      }
    }
    leftCount[q] = left + 1;
    leftSum[q] = (leftSum[q] as number) + (target[i] as number);
    previous[q] = value;
  }
}

/** Numbers that are nearer than this are not told apart. */
const LEAST_STEP = 1e-7;
