import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { klDivergence } from './klDivergence.js';
import { studentT } from './studentT.js';

const numbers = (t: tf.Tensor | undefined): number[] => Array.from((t as tf.Tensor).dataSync());

/** Log-densities at 0, 0.3, -2, 30, entropies, and distribution functions at -1, 0.5, 2: scipy.stats.t. */
const SCIPY: [df: number, logDensities: number[], entropy: number, probabilities: number[]][] = [
  [
    0.4,
    [-1.3774161528867406, -1.5194747436844238, -3.0559428438456, -6.780807041521453],
    4.225727592912718,
    [0.3188521750442673, 0.6119488997354308, 0.7511755237064832],
  ],
  [
    1,
    [-1.1447298858494, -1.2309075820904523, -2.7541677982835004, -7.948235143457738],
    2.5310242469692907,
    [0.25, 0.6475836176504333, 0.8524163823495667],
  ],
  [
    2.5,
    [-1.0166395934604502, -1.07853209517571, -2.6887846222584635, -11.32217602054299],
    1.8477600705759212,
    [0.20203051363913682, 0.6711510400651426, 0.9213042521210171],
  ],
  [
    30,
    [-0.9272703253788479, -0.9737007145657244, -2.867299041165941, -54.154071994898615],
    1.452543329787207,
    [0.1626543077130151, 0.6896384975574363, 0.9726874775185085],
  ],
  [
    1e4,
    [-0.9189635332025556, -0.9639678306835208, -2.918763599847896, -431.85053358658473],
    1.4190385357045059,
    [0.15866735216521458, 0.6914569603383831, 0.9772363696692823],
  ],
  [
    1e6,
    [-0.9189387832046725, -0.9639388261796705, -2.918936783211339, -450.7170099988726],
    1.4189395332049226,
    [0.15865537491678916, 0.6914624062638143, 0.9772497330743404],
  ],
];

describe('studentT', () => {
  it('is a distribution', async () => {
    await checkDistribution({ distribution: studentT({ df: 6, location: 0.5, scale: 0.75 }), support: [-30, 30], cells: 2500 });
    await checkDistribution({
      distribution: studentT({ df: tf.tensor1d([9, 12]), location: tf.tensor1d([1, -1]), logScale: tf.tensor1d([-0.5, 0.25]) }),
      support: [-16, 16],
      cells: 400,
    });
  });

  it.each(SCIPY)('has the known numbers at df = %d', (df, logDensities, entropy, probabilities) => {
    const p = studentT({ df, location: 0, scale: 1 });
    numbers(p.logProb(tf.tensor1d([0, 0.3, -2, 30]))).forEach((value, i) => {
      expect(Math.abs(value - (logDensities[i] as number))).toBeLessThan(1e-6 * (1 + Math.abs(logDensities[i] as number)));
    });
    expect(p.entropy?.().arraySync()).toBeCloseTo(entropy, 5);
    const count = 20000;
    const draws = numbers(p.sample({ shape: [count], rng: createRng(3) }));
    [-1, 0.5, 2].forEach((x, i) => {
      const expected = probabilities[i] as number;
      const share = draws.filter((value) => value <= x).length / count;
      expect(Math.abs(share - expected)).toBeLessThan(4.5 * Math.sqrt((expected * (1 - expected)) / count));
    });
  });

  it('scales, moves and sums over the event', () => {
    const [df, location, logScale] = [tf.tensor1d([3, 7]), tf.tensor1d([1, -2]), tf.tensor1d([0.5, -1])];
    const p = studentT({ df, location, logScale });
    const z = [0.5, -3];
    const x = z.map((value, i) => ([1, -2][i] as number) + value * Math.exp([0.5, -1][i] as number));
    const each = [3, 7].map(
      (v, i) =>
        studentT({ df: v, location: 0, scale: 1 })
          .logProb(tf.scalar(z[i] as number))
          .arraySync() as number,
    );
    expect(p.logProb(tf.tensor1d(x)).arraySync()).toBeCloseTo((each[0] as number) + (each[1] as number) + 0.5, 5);
    const entropies = [3, 7].map((v) => studentT({ df: v, location: 0, scale: 1 }).entropy?.().arraySync() as number);
    expect(p.entropy?.().arraySync()).toBeCloseTo((entropies[0] as number) + (entropies[1] as number) - 0.5, 5);
    expect([numbers(p.mean?.()), numbers(p.mode?.())]).toEqual([
      [1, -2],
      [1, -2],
    ]);
    const wide = studentT({ df: tf.tensor2d([[2], [5], [9]]), location: 0, scale: tf.tensor1d([1, 2]) });
    expect([wide.eventShape, wide.batchShape?.(), wide.sample({ shape: [4] }).shape]).toEqual([[2], [3], [4, 3, 2]]);
    expect([wide.logProb(tf.ones([2])).shape, wide.entropy?.().shape, wide.mean?.().shape]).toEqual([[3], [3], [3, 2]]);
  });

  it('has exact gradients, in the far tails too', () => {
    const value = (x: tf.Tensor, v: tf.Tensor, m: tf.Tensor, s: tf.Tensor): tf.Tensor =>
      studentT({ df: v, location: m, logScale: s, eventRank: 0 }).logProb(x);
    const [x, v] = [tf.tensor1d([0, 2, -30, 1e25, 1.5]), tf.tensor1d([3, 0.5, 40, 2, 1.25])];
    expect(numbers(value(x, v, tf.zeros([5]), tf.zeros([5])))[3]).toBeCloseTo(-3 * Math.log(1e25), 2);
    const [inX, inV, inM, inS] = tf
      .grads((a, b, c, d) => tf.sum(value(a, b, c, d)))([x, v, tf.zeros([5]), tf.zeros([5])])
      .map(numbers) as [number[], number[], number[], number[]];
    // -(v + 1) x / (v + x^2); in v by finite differences of the formula in float64 (mpmath).
    [0, 2, -30, 1e25, 1.5].forEach((at, i) => {
      const df = [3, 0.5, 40, 2, 1.25][i] as number;
      const slope = (-(df + 1) * at) / (df + at * at);
      expect(Math.abs((inX[i] as number) - slope)).toBeLessThanOrEqual(1e-6 * Math.abs(slope));
      expect(inM[i]).toBeCloseTo(-slope, 5);
      expect(inS[i]).toBeCloseTo(-slope * at - 1, 3);
    });
    [0.026480513893278643, 0.8055173714601203, -1.0876525199806057, -56.41120091513111, 0.1958697706212053].forEach(
      (slope, i) => {
        expect(Math.abs((inV[i] as number) - slope)).toBeLessThan(3e-6 * (1 + Math.abs(slope)));
      },
    );
  });

  it('reparameterises in location, scale and df, and holds still where frozen', () => {
    const parameters = [tf.tensor1d([4, 0.7]), tf.tensor1d([1, -2]), tf.tensor1d([0.5, -0.5])];
    const draw = (frozen: boolean) => (v: tf.Tensor, m: tf.Tensor, s: tf.Tensor) =>
      tf.sum(studentT({ df: v, location: m, logScale: s }).sample({ rng: createRng(3), frozen }));
    const rng = createRng(3);
    const [n, m] = [rng.normal([2]).dataSync(), rng.normal([2]).dataSync()];
    // z = n sqrt(v (e^(r / v) - 1) / r) with r = n^2 + m^2.
    const z = (v: number, i: number): number => {
      const r = (n[i] as number) ** 2 + (m[i] as number) ** 2;
      return (n[i] as number) * Math.sqrt((v * Math.expm1(r / v)) / r);
    };
    const [inDf, inLocation, inScale] = tf.grads(draw(false))(parameters).map(numbers) as [number[], number[], number[]];
    expect(inLocation).toEqual([1, 1]);
    [4, Math.fround(0.7)].forEach((v, i) => {
      const scale = Math.exp([0.5, -0.5][i] as number);
      expect(inScale[i]).toBeCloseTo(scale * z(v, i), 4);
      expect(inDf[i]).toBeCloseTo((scale * (z(v + 1e-4, i) - z(v - 1e-4, i))) / 2e-4, 4);
    });
    expect(() => tf.grads(draw(true))(parameters)).toThrow('Cannot compute gradient');
    const density = (frozen: boolean) => (v: tf.Tensor) =>
      studentT({ df: v, location: 0, scale: 1 }).logProb(tf.scalar(1), { frozen });
    expect(() => tf.grad(density(true))(tf.scalar(3))).toThrow('Cannot compute gradient');
    const [x, logProb] = studentT({ df: 3, location: 1, scale: 2 }).sampleAndLogProb({ shape: [5], rng: createRng(1) });
    numbers(studentT({ df: 3, location: 1, scale: 2 }).logProb(x)).forEach((value, i) => {
      expect(value).toBeCloseTo(logProb.dataSync()[i] as number, 5);
    });
  });

  it('has a mean where there is one, its own parameters, and no leak', async () => {
    expect('mean' in studentT({ df: 1, location: 0, scale: 1 })).toBe(false);
    expect(studentT({ df: 1.5, location: 2, scale: 1 }).mean?.().arraySync()).toBe(2);
    const before = tf.memory().numTensors;
    const p = studentT({ df: 2, eventShape: [2], trainable: true });
    expect(Object.keys(p.parameters)).toEqual(['location', 'logScale']);
    await expectNoLeak(() => [p.sample({ shape: [3] }), p.mean?.(), p.mode?.(), p.entropy?.()]);
    p.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(() => klDivergence(p, p)).toThrow("no formula is known for KL('studentT' || 'studentT')");
  });

  it('names what is wrong', () => {
    const cases: [() => unknown, string][] = [
      [() => studentT({ location: 0, scale: 1 } as unknown as { df: number }), 'studentT: options.df should be a float32 tensor'],
      [() => studentT({ df: 0, location: 0, scale: 1 }), 'studentT: options.df should be a finite number above 0, but got 0.'],
      [() => studentT({ df: -2, location: 0, scale: 1 }), 'studentT: options.df should be a finite number above 0'],
      [() => studentT({ df: tf.ones([2]), location: tf.ones([3]), scale: 1 }), 'studentT: shapes'],
      [() => studentT({ df: 2, scale: 1 }), 'studentT: options.location should be a float32 tensor'],
      [() => studentT({ df: 2, location: 0 }), 'studentT: options.logScale should be a float32 tensor'],
      [() => studentT({ df: 2, location: 0, scale: 0 }), 'studentT: options.scale should be a finite number above 0'],
      [() => studentT({ df: 2, mean: 0, scale: 1 } as unknown as { df: number }), "studentT: unknown option 'mean'"],
      [() => studentT({ df: 2, location: 0, scale: 1 }).logProb(tf.zeros([2], 'int32')), 'studentT.logProb: value should be'],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
