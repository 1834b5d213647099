import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { discretizedLogistic } from './discretizedLogistic.js';
import { discretizedLogisticMixture } from './discretizedLogisticMixture.js';
import { klDivergence } from './klDivergence.js';

const numbers = (t: tf.Tensor | undefined): number[] => Array.from((t as tf.Tensor).dataSync());

const LOGITS = [
  [0.5, -1, 0.25],
  [1, 0, -0.5],
];
const MEANS = [
  [-0.5, 0.25, 0.9],
  [0, -0.75, 0.5],
];
const LOG_SCALES = [
  [-1, -2, -0.5],
  [-1.5, -0.25, -3],
];
const make = (levels: number) =>
  discretizedLogisticMixture({
    logits: tf.tensor2d(LOGITS),
    means: tf.tensor2d(MEANS),
    logScales: tf.tensor2d(LOG_SCALES),
    levels,
  });

const sigmoid = (t: number): number => 1 / (1 + Math.exp(-t));
/** log sum_k w_k P_k(v) of element d, in float64. */
function logMass(v: number, d: number, levels: number): number {
  const weights = (LOGITS[d] as number[]).map(Math.exp);
  const total = weights.reduce((a, b) => a + b);
  const half = 1 / (levels - 1);
  const x = -1 + 2 * half * v;
  return Math.log(
    weights.reduce((sum, weight, k) => {
      const [mean, scale] = [MEANS[d]?.[k] as number, Math.exp(LOG_SCALES[d]?.[k] as number)];
      const above = v === levels - 1 ? 1 : sigmoid((x + half - mean) / scale);
      const below = v === 0 ? 0 : sigmoid((x - half - mean) / scale);
      return sum + (weight / total) * (above - below);
    }, 0),
  );
}

describe('discretizedLogisticMixture', () => {
  it('is a distribution', async () => {
    const values = [0, 1, 2, 3].flatMap((a) => [0, 1, 2, 3].map((b) => [a, b]));
    await checkDistribution({ distribution: make(4), values });
    const number = discretizedLogisticMixture({
      logits: tf.tensor1d([0.5, -0.5]),
      means: tf.tensor1d([1, 3.5]),
      logScales: tf.tensor1d([-1, 0]),
      levels: 6,
      low: 0,
      high: 5,
    });
    await checkDistribution({ distribution: number, values: [0, 1, 2, 3, 4, 5].map((value) => [value]) });
  });

  it('is the weighted sum of discretised logistics', () => {
    const p = discretizedLogisticMixture({
      logits: tf.tensor2d(LOGITS),
      means: tf.tensor2d(MEANS),
      logScales: tf.tensor2d(LOG_SCALES),
    });
    const x = [
      [0, 255],
      [64, 200],
      [255, 0],
    ];
    numbers(p.logProb(tf.tensor2d(x))).forEach((value, i) => {
      const expected = (x[i] as number[]).reduce((sum, v, d) => sum + logMass(v, d, 256), 0);
      expect(value).toBeCloseTo(expected, 4);
    });
    expect([p.eventShape, p.batchShape?.()]).toEqual([[2], []]);
    const alone = discretizedLogisticMixture({
      logits: tf.tensor1d([3]),
      means: tf.tensor1d([0.5]),
      logScales: tf.tensor1d([-7]),
    });
    const one = discretizedLogistic({ location: 0.5, logScale: -7 });
    const far = tf.tensor1d([0, 20, 190, 191, 192, 255]);
    numbers(alone.logProb(far)).forEach((value, i) => {
      expect(value).toBeCloseTo(numbers(one.logProb(far))[i] as number, 5);
    });
    expect(numbers(alone.logProb(tf.tensor1d([-1, 256, 0.5])))).toEqual([-Infinity, -Infinity, -Infinity]);
  });

  it('sums to 1 over all levels and has finite gradients, for scales tiny and huge', () => {
    const values = tf.reshape(tf.tensor1d(Array.from({ length: 256 }, (_, v) => v)), [256, 1]);
    const masses = (l: tf.Tensor, m: tf.Tensor, s: tf.Tensor) =>
      discretizedLogisticMixture({ logits: l, means: m, logScales: s }).logProb(values);
    const parameters = [tf.tensor2d([[0.5, -2, 1, 30]]), tf.tensor2d([[-3, 0, 0.4, 1.5]]), tf.tensor2d([[-30, -7, 2, 40]])];
    expect(tf.sum(tf.exp(masses(...(parameters as [tf.Tensor, tf.Tensor, tf.Tensor])))).arraySync()).toBeCloseTo(1, 5);
    for (const gradient of tf.grads((l, m, s) => tf.sum(masses(l, m, s)))(parameters)) {
      expect(numbers(gradient).every(Number.isFinite)).toBe(true);
    }
  });

  it('has gradients of 0 where the value is no level', () => {
    const [logits, means, logScales] = [LOGITS, MEANS, LOG_SCALES].map((rows) => tf.tensor2d(rows)) as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    const logProb = (...[x, logits, means, logScales]: tf.Tensor[]): tf.Tensor =>
      discretizedLogisticMixture({ logits: logits!, means: means!, logScales: logScales!, levels: 8 }).logProb(x!);
    const value = tf.tensor2d([
      [3, 8],
      [0.5, -1],
    ]);
    expect(numbers(logProb(value, logits, means, logScales))).toEqual([-Infinity, -Infinity]);
    const gradients = tf.grads(logProb)([value, logits, means, logScales]);
    expect(numbers(gradients[0]).slice(1)).toEqual([0, 0, 0]);
    expect(gradients.flatMap(numbers).every(Number.isFinite)).toBe(true);
  });

  it('has gradients of finite differences, and none where frozen', () => {
    const x = tf.tensor1d([1, 6]);
    const parameters = [tf.tensor2d(LOGITS), tf.tensor2d(MEANS), tf.tensor2d(LOG_SCALES)];
    const density = (frozen: boolean) => (l: tf.Tensor, m: tf.Tensor, s: tf.Tensor) =>
      discretizedLogisticMixture({ logits: l, means: m, logScales: s, levels: 8 }).logProb(x, { frozen });
    const gradients = tf.grads(density(false))(parameters).map(numbers);
    const rows = [LOGITS, MEANS, LOG_SCALES];
    rows.forEach((table, i) => {
      table.flat().forEach((_, j) => {
        const [d, k] = [Math.floor(j / 3), j % 3];
        const at = (by: number): number => {
          const row = table[d] as number[];
          row[k] = (row[k] as number) + by;
          const value = logMass(1, 0, 8) + logMass(6, 1, 8);
          row[k] = (row[k] as number) - by;
          return value;
        };
        expect(gradients[i]?.[j]).toBeCloseTo((at(1e-4) - at(-1e-4)) / 2e-4, 4);
      });
    });
    expect(() => tf.grads(density(true))(parameters)).toThrow('Cannot compute gradient');
    const draw = (m: tf.Tensor) =>
      tf.sum(discretizedLogisticMixture({ logits: tf.zeros([2]), means: m, logScales: tf.zeros([2]) }).sample());
    expect(() => tf.grad(draw)(tf.zeros([2]))).toThrow('Cannot compute gradient');
  });

  it('has mean, mode, entropy and divergences by sums over the levels', async () => {
    const p = make(8);
    const levels = [0, 1, 2, 3, 4, 5, 6, 7];
    const tables = [0, 1].map((d) => levels.map((v) => logMass(v, d, 8)));
    const expectation = (d: number, f: (v: number) => number): number =>
      levels.reduce((sum, v) => sum + Math.exp(tables[d]?.[v] as number) * f(v), 0);
    const [mean, mode] = [numbers(p.mean?.()), numbers(p.mode?.())];
    [0, 1].forEach((d) => {
      expect(mean[d]).toBeCloseTo(
        expectation(d, (v) => v),
        4,
      );
      expect(mode[d]).toBe((tables[d] as number[]).indexOf(Math.max(...(tables[d] as number[]))));
    });
    const entropy = [0, 1].reduce((sum, d) => sum - expectation(d, (v) => tables[d]?.[v] as number), 0);
    expect(p.entropy?.().arraySync()).toBeCloseTo(entropy, 4);
    const q = discretizedLogistic({ location: tf.tensor1d([0, 0.5]), scale: 0.5, levels: 8 });
    const other = (v: number, d: number): number =>
      discretizedLogistic({ location: [0, 0.5][d] as number, scale: 0.5, levels: 8 })
        .logProb(tf.scalar(v))
        .arraySync() as number;
    const kl = [0, 1].reduce((sum, d) => sum + expectation(d, (v) => (tables[d]?.[v] as number) - other(v, d)), 0);
    expect(klDivergence(p, q).arraySync()).toBeCloseTo(kl, 4);
    expect(klDivergence(p, p).arraySync()).toBe(0);
    const at = tf.ones([2]);
    await expectNoLeak(() => [
      p.sample({ rng: createRng(1) }),
      p.logProb(at),
      p.mean?.(),
      p.mode?.(),
      p.entropy?.(),
      klDivergence(p, q),
    ]);
  });

  it('batches and broadcasts', () => {
    const p = discretizedLogisticMixture({
      logits: tf.zeros([3]),
      means: createRng(1).normal([4, 2, 3]),
      logScales: tf.zeros([2, 3]),
      levels: 8,
    });
    expect([p.eventShape, p.batchShape?.(), p.sample({ shape: [5] }).shape]).toEqual([[2], [4], [5, 4, 2]]);
    expect([p.logProb(tf.ones([6, 1, 2])).shape, p.logProb(tf.ones([2])).shape]).toEqual([[6, 4], [4]]);
    expect([p.mean?.().shape, p.mode?.().shape, p.entropy?.().shape]).toEqual([[4, 2], [4, 2], [4]]);
    const image = discretizedLogisticMixture({
      logits: tf.zeros([2, 2, 3]),
      means: tf.zeros([2, 2, 3]),
      logScales: tf.zeros([2, 2, 3]),
      eventRank: 2,
    });
    expect([image.eventShape, image.logProb(tf.ones([2, 2])).shape]).toEqual([[2, 2], []]);
  });

  it('names what is wrong', () => {
    const good = { logits: tf.zeros([3]), means: tf.zeros([2, 3]), logScales: tf.zeros([3]) };
    const name = 'discretizedLogisticMixture';
    const cases: [() => unknown, string][] = [
      [() => discretizedLogisticMixture({ ...good, logits: tf.scalar(0) }), `${name}: options.logits should be a float32 tensor`],
      [
        () => discretizedLogisticMixture({ ...good, means: tf.zeros([2, 4]) }),
        `${name}: options.means should be a float32 tensor of shape [...batch, 3]`,
      ],
      [
        () => discretizedLogisticMixture({ ...good, logScales: tf.zeros([2]) }),
        `${name}: options.logScales should be a float32 tensor of shape [...batch, 3]`,
      ],
      [
        () => discretizedLogisticMixture({ ...good, logScales: tf.zeros([4, 3]) }),
        `${name}: shapes [2, 3] and [4, 3] do not broadcast.`,
      ],
      [
        () => discretizedLogisticMixture({ ...good, logits: tf.zeros([5, 1, 3]) }),
        `${name}: options.logits should be of a shape that broadcasts to that of means and log-scales, [2, 3]`,
      ],
      [() => discretizedLogisticMixture({ ...good, levels: 1 }), `${name}: options.levels should be an integer of at least 2`],
      [() => discretizedLogisticMixture({ ...good, high: -2 }), `${name}: options.high should be a finite number above -1`],
      [() => discretizedLogisticMixture({ ...good, eventRank: 2 }), `${name}: options.eventRank should be at most the rank`],
      [() => discretizedLogisticMixture({ ...good, scales: 1 } as unknown as typeof good), `${name}: unknown option 'scales'`],
      [() => discretizedLogisticMixture(good).logProb(tf.zeros([3])), `${name}.logProb: value should be`],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
