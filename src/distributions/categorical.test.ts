import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../core/rng.js';
import { checkDistribution, expectNoLeak } from '../testing/index.js';
import { categorical } from './categorical.js';
import { klDivergence } from './klDivergence.js';

const numbers = (t: tf.Tensor | undefined): number[] => Array.from((t as tf.Tensor).dataSync());
const softmax = (logits: number[]): number[] => {
  const weights = logits.map(Math.exp);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
};

describe('categorical', () => {
  it('is a distribution', async () => {
    const values = [0, 1, 2].flatMap((a) => [0, 1, 2].map((b) => [a, b]));
    const logits = tf.tensor2d([
      [0.7, -1.5, 0.25],
      [-2, 1, 0.5],
    ]);
    await checkDistribution({ distribution: categorical({ logits }), values });
    await checkDistribution({
      distribution: categorical({ logits: tf.tensor1d([-0.4, 1, 0.3, -1e9]) }),
      values: [[0], [1], [2], [3]],
    });
  });

  it('has the probabilities of a softmax, far tails included', () => {
    const logits = [
      [0.5, -2, 1.25],
      [-80, 10, 3],
    ] as [number[], number[]];
    const p = categorical({ logits: tf.tensor2d(logits), eventRank: 0 });
    expect([p.eventShape, p.batchShape?.()]).toEqual([[], [2]]);
    const table = p.logProb(tf.tensor2d([[0], [1], [2]])).arraySync() as number[][];
    logits.forEach((row, i) => {
      const logTotal = Math.log(row.reduce((sum, l) => sum + Math.exp(l), 0));
      row.forEach((l, k) => {
        expect(Math.abs((table[k]?.[i] as number) - (l - logTotal))).toBeLessThan(1e-6 * (1 + Math.abs(l - logTotal)));
      });
      const entropy = -softmax(row).reduce((sum, share) => sum + share * Math.log(share), 0);
      expect(numbers(p.entropy?.())[i]).toBeCloseTo(entropy, 6);
    });
    expect(numbers(p.mode?.())).toEqual([2, 1]);
    expect('mean' in p).toBe(false);
    const joint = categorical({ logits: tf.tensor2d(logits) });
    expect(joint.eventShape).toEqual([2]);
    expect(joint.logProb(tf.tensor1d([2, 0])).arraySync()).toBeCloseTo((table[2]?.[0] as number) + (table[0]?.[1] as number), 5);
    expect(joint.entropy?.().arraySync()).toBeCloseTo(tf.sum(p.entropy?.() as tf.Tensor).arraySync() as number, 6);
  });

  it('gives no probability to what is no class', () => {
    const p = categorical({ logits: tf.tensor1d([0, 1, 2]) });
    expect(numbers(p.logProb(tf.tensor1d([-1, 3, 0.5, Number.NaN])))).toEqual(Array(4).fill(-Infinity));
  });

  it('draws each class as often as it should, never a class ruled out', () => {
    const count = 20000;
    const logits = tf.tensor2d([
      [0.5, -1e9, 1.25, -1],
      [-1e9, 2, 0, 1],
    ]);
    const x = categorical({ logits, eventRank: 0 })
      .sample({ shape: [count], rng: createRng(2) })
      .arraySync() as number[][];
    [softmax([0.5, -Infinity, 1.25, -1]), softmax([-Infinity, 2, 0, 1])].forEach((shares, i) => {
      shares.forEach((share, k) => {
        const seen = x.filter((row) => row[i] === k).length / count;
        expect(Math.abs(seen - share)).toBeLessThanOrEqual(4.5 * Math.sqrt((share * (1 - share)) / count));
      });
    });
    expect(() => tf.grad((l: tf.Tensor) => tf.sum(categorical({ logits: l }).sample()))(tf.zeros([3]))).toThrow(
      'Cannot compute gradient',
    );
  });

  it('differentiates log-probabilities and divergences in the logits, and not where frozen', () => {
    const logits = tf.tensor1d([0.5, -2, 1.25]);
    const gradient = numbers(tf.grad((l: tf.Tensor) => categorical({ logits: l }).logProb(tf.scalar(2)))(logits));
    softmax([0.5, -2, 1.25]).forEach((share, k) => {
      expect(gradient[k]).toBeCloseTo((k === 2 ? 1 : 0) - share, 6);
    });
    const held = (l: tf.Tensor) => categorical({ logits: l }).logProb(tf.scalar(2), { frozen: true });
    expect(() => tf.grad(held)(logits)).toThrow('Cannot compute gradient');
    const heldEntropy = (l: tf.Tensor) => categorical({ logits: l }).entropy?.({ frozen: true }) as tf.Tensor;
    expect(() => tf.grad(heldEntropy)(logits)).toThrow('Cannot compute gradient');
  });

  it('has the KL divergence of the sum', () => {
    const [a, b] = [
      [0.5, -2, 1.25],
      [1, 0.25, -1],
    ] as [number[], number[]];
    const kl = (l: number[], m: number[]) =>
      klDivergence(categorical({ logits: tf.tensor1d(l) }), categorical({ logits: tf.tensor1d(m) })).arraySync() as number;
    const [p, q] = [softmax(a), softmax(b)];
    expect(kl(a, b)).toBeCloseTo(
      p.reduce((sum, share, k) => sum + share * Math.log(share / (q[k] as number)), 0),
      5,
    );
    expect(kl(a, a)).toBe(0);
    // Ruled out in p, it does not count.
    expect(kl([0, 0, -1e9], [0, 0, 0])).toBeCloseTo(Math.log(1.5), 6);
    expect(() => kl(a, [0, 1])).toThrow("no formula is known for KL('categorical' || 'categorical')");
    const pair = klDivergence(categorical({ logits: tf.tensor2d([a, b]) }), categorical({ logits: tf.tensor2d([b, a]) }));
    expect(pair.arraySync()).toBeCloseTo(kl(a, b) + kl(b, a), 5);
  });

  it('batches and leaks nothing', async () => {
    const p = categorical({ logits: createRng(1).normal([4, 1, 3, 5]), eventRank: 1 });
    expect([p.eventShape, p.batchShape?.(), p.sample({ shape: [2] }).shape]).toEqual([[3], [4, 1], [2, 4, 1, 3]]);
    expect(p.logProb(tf.ones([2, 3])).shape).toEqual([4, 2]);
    expect([p.entropy?.().shape, p.mode?.().shape]).toEqual([
      [4, 1],
      [4, 1, 3],
    ]);
    const at = tf.ones([3]);
    await expectNoLeak(() => [p.sample(), p.logProb(at), p.mode?.(), p.entropy?.(), klDivergence(p, p)]);
  });

  it('has divergences and entropies for each of a batch', () => {
    const logits = tf.tensor3d([
      [
        [1, 0, -2],
        [0.5, 0.25, 3],
      ],
      [
        [0, 2, 1],
        [-1, -1, 4],
      ],
    ]);
    const q = categorical({ logits: tf.tensor1d([0.5, 0, 1]), eventRank: 0 });
    const rows = logits.arraySync().map((pair) => pair.map((row) => categorical({ logits: tf.tensor1d(row) })));
    const each = rows.map((pair) => pair.map((p) => klDivergence(p, q).arraySync() as number));
    const apart = klDivergence(categorical({ logits, eventRank: 0 }), q).arraySync() as number[][];
    each.flat().forEach((value, i) => expect(apart.flat()[i]).toBeCloseTo(value, 5));
    const events = categorical({ logits });
    const uniform = categorical({ logits: tf.zeros([2, 3]) });
    const entropies = (events.entropy?.().arraySync() as number[]).map((entropy) => 2 * Math.log(3) - entropy);
    (klDivergence(events, uniform).arraySync() as number[]).forEach((value, i) => expect(value).toBeCloseTo(entropies[i]!, 5));
  });

  it('names what is wrong', () => {
    const cases: [() => unknown, string][] = [
      [
        () => categorical({} as { logits: tf.Tensor }),
        'categorical: options.logits should be a float32 tensor of shape [...batch, ?]',
      ],
      [
        () => categorical({ logits: tf.scalar(1) }),
        'categorical: options.logits should be a float32 tensor of shape [...batch, ?]',
      ],
      [() => categorical({ logits: tf.zeros([3], 'int32') }), 'categorical: options.logits should be a float32 tensor'],
      [
        () => categorical({ logits: tf.zeros([2, 3]), eventRank: 2 }),
        'categorical: options.eventRank should be at most the rank',
      ],
      [
        () => categorical({ logits: tf.zeros([2, 3]), eventRank: -1 }),
        'categorical: options.eventRank should be an integer of at least 0',
      ],
      [() => categorical({ probs: tf.zeros([3]) } as unknown as { logits: tf.Tensor }), "categorical: unknown option 'probs'"],
      [() => categorical({ logits: tf.zeros([3]) }).logProb(tf.scalar(1, 'int32')), 'categorical.logProb: value should be'],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(message);
    }
  });
});
