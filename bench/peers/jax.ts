// jax-js on its WebAssembly backend: the whole step, with gradients and Adam, in one `jit`. An array may be used once; every use
// before the last takes `ref`.
import type { numpy } from '@jax-js/jax';
import type { Losses, Prepared, Workload } from '../contract.js';
import { checkLosses, checkQuantiles, checkSurgery, LOSSES } from '../contract.js';
import type { Layer, Values } from '../data.js';
import { autoencoderMasks, hashNormal, mixtures, perceptronWeights, posteriors } from '../data.js';
import { binaryDigits } from '../digits.js';
import { measure } from '../measure.js';
import { readOrders } from '../orders.js';
import { print } from '../records.js';
import { runWorkloads } from '../runner.js';

// It asks the browser how many threads there are; Node 20 has no navigator.
if (globalThis.navigator === undefined) {
  Object.defineProperty(globalThis, 'navigator', { value: { hardwareConcurrency: 1, userAgent: 'node' } });
}
const { numpy: np, nn, random, jit, valueAndGrad, tree, init, defaultDevice } = await import('@jax-js/jax');
await init('wasm');
defaultDevice('wasm');

type Tensor = numpy.Array;

const LOG_TWO_PI = Math.log(2 * Math.PI);

const toTensor = ({ data, shape }: Values): Tensor => np.array(data as Float32Array<ArrayBuffer>, { shape });

/** What one layer or network is made of: kernel and bias of each layer in turn. */
type Part = Tensor[];

const toPart = (layers: readonly Layer[]): Part => layers.flatMap(({ kernel, bias }) => [toTensor(kernel), toTensor(bias)]);

const energy = (z: Tensor): Tensor => np.sum(np.square(z).add(LOG_TWO_PI), 1).mul(0.5);
const squareOf = (x: Tensor): Tensor => np.square(x);
const complement = (x: Tensor): Tensor => x.mul(-1).add(1);
const last = (x: Tensor, from: number, to: number): Tensor => x.slice(...x.shape.slice(1).map((): [] => []), [from, to]);
const halves = (x: Tensor): [Tensor, Tensor] => {
  const size = x.shape.at(-1) as number;
  return [last(x.ref, 0, size / 2), last(x, size / 2, size)];
};

function perceptron(part: Part, x: Tensor): Tensor {
  let h = x;
  for (let i = 0; i < part.length; i += 2) {
    h = np.matmul(h, part[i] as Tensor).add(part[i + 1] as Tensor);
    h = i + 2 < part.length ? nn.relu(h) : h;
  }
  return h;
}

/** The context's kernel comes after the layers. */
function maskedAutoencoder(part: Part, masks: readonly Tensor[], x: Tensor, context?: Tensor): Tensor {
  let h = x;
  masks.forEach((mask, i) => {
    h = np.matmul(h, (part[2 * i] as Tensor).mul(mask.ref)).add(part[2 * i + 1] as Tensor);
    if (i === 0 && context !== undefined) {
      h = h.add(np.matmul(context, part[2 * masks.length] as Tensor));
    }
    h = i < masks.length - 1 ? nn.relu(h) : h;
  });
  return h;
}

interface Model {
  readonly parts: Part[];
  /** `given` is the batch, or the noise. */
  loss(parts: Part[], given: Tensor, batch?: Tensor): Tensor;
  /** The batch or, for the first loss, the noise. */
  readonly fixed: Tensor;
  /** Noise of this shape is drawn in a step. */
  readonly noise?: number[];
  /** Batches that take turns. */
  readonly batches?: readonly Tensor[];
}

function train({ parts, loss, fixed, noise, batches = [] }: Model, expected: Losses): Prepared {
  const [rate, beta1, beta2, epsilon] = [1e-3, 0.9, 0.999, 1e-8];
  const each = (f: (...tensors: Tensor[]) => Tensor, ...trees: Part[][]): Part[] =>
    (trees[0] as Part[]).map((part, i) => part.map((_, j) => f(...trees.map((other) => (other[i] as Part)[j] as Tensor))));
  const oneStep = jit((p: Part[], m: Part[], v: Part[], count: Tensor, given: Tensor, ...batch: Tensor[]) => {
    const input = noise === undefined ? given : random.normal(given, noise);
    const [value, gradients] = valueAndGrad(loss)(tree.ref(p), input, ...batch) as unknown as [Tensor, Part[]];
    const t = count.add(1);
    const first = each((a, g) => a.mul(beta1).add(g.mul(1 - beta1)), m, tree.ref(gradients));
    const second = each((a, g) => a.mul(beta2).add(squareOf(g).mul(1 - beta2)), v, gradients);
    const meanScale = np.reciprocal(complement(np.power(beta1, t.ref))).mul(rate);
    const rootScale = np.sqrt(np.reciprocal(complement(np.power(beta2, t.ref))));
    const moved = each(
      (a, b, c) => a.sub(b.mul(meanScale.ref).div(np.sqrt(c).mul(rootScale.ref).add(epsilon))),
      p,
      tree.ref(first),
      tree.ref(second),
    );
    meanScale.dispose();
    rootScale.dispose();
    return [[[value]], moved, first, second, [[t]]];
  }) as unknown as (...args: unknown[]) => [Part[], Part[], Part[], Part[], Part[]];

  const parameters = parts.flat().reduce((total, { size }) => total + size, 0);
  const zeros = (): Part[] => parts.map((part) => part.map(({ shape }) => np.zeros([...shape])));
  const loss0 = async (): Promise<number> => {
    const args = batches.length > 0 ? [(batches[0] as Tensor).ref] : [];
    const value = (jit(loss) as unknown as (...args: unknown[]) => Tensor)(tree.ref(parts), fixed.ref, ...args);
    return (await value.data())[0] as number;
  };
  let steps = 0;
  let state = [parts, zeros(), zeros(), np.array(0, { dtype: np.float32 })] as [Part[], Part[], Part[], Tensor];
  const step = async (): Promise<number> => {
    const given = noise === undefined ? fixed.ref : random.key(steps);
    const batch = batches.length > 0 ? [(batches[steps % batches.length] as Tensor).ref] : [];
    steps += 1;
    const [value, p, m, v, t] = oneStep(...state, given, ...batch);
    state = [p, m, v, (t[0] as Part)[0] as Tensor];
    return (await ((value[0] as Part)[0] as Tensor).data())[0] as number;
  };
  return {
    parameters,
    check: (thorough) => checkLosses(expected, thorough, loss0, step),
    step,
    dispose: () => tree.dispose([state, fixed, [...batches]] as never),
  };
}

function planar(dim: number, rows: number, expected: Losses): Prepared {
  const parts = Array.from({ length: 16 }, (_, k) => [
    toTensor(hashNormal([1, dim], 300 + k, 0.5)),
    toTensor(hashNormal([dim, 1], 400 + k, 1 / Math.sqrt(dim))),
    np.zeros([1]),
  ]);
  const loss = (all: Part[], z0: Tensor): Tensor => {
    let z = z0;
    let logDet = np.zeros([rows]);
    for (const [u, w, b] of all as [Tensor, Tensor, Tensor][]) {
      const wu = np.matmul(u.ref, w.ref);
      const direction = np.transpose(w.ref).div(np.sum(squareOf(w.ref)));
      const uHat = u.add(nn.softplus(wu.ref).sub(1).sub(wu).mul(direction));
      const h = np.tanh(np.matmul(z.ref, w.ref).add(b));
      const slope = complement(squareOf(h.ref)).mul(np.matmul(uHat.ref, w));
      logDet = logDet.add(np.log(np.absolute(slope.add(1))).reshape([rows]));
      z = z.add(h.mul(uHat));
    }
    return np.mean(np.sum(squareOf(z), 1).mul(0.5).sub(logDet));
  };
  return train({ parts, loss, fixed: toTensor(hashNormal([rows, dim], 1)), noise: [rows, dim] }, expected);
}

interface CouplingStack {
  readonly dim: number;
  readonly rows: number;
  readonly layers: number;
  readonly hidden: number;
  readonly outputs: number;
  readonly transform: (b: Tensor, parameters: Tensor) => [Tensor, Tensor];
}

function couplings({ dim, rows, layers, hidden, outputs, transform }: CouplingStack, expected: Losses): Prepared {
  const half = dim / 2;
  const parts = Array.from({ length: layers }, (_, k) => toPart(perceptronWeights([half, hidden, hidden, half * outputs], k)));
  const loss = (all: Part[], x: Tensor): Tensor => {
    let z = x;
    let logDet = np.zeros([rows]);
    all.forEach((part, k) => {
      const [first, second] = halves(z);
      const [a, b] = k % 2 === 0 ? [first, second] : [second, first];
      const [moved, logDerivative] = transform(b, perceptron(part, a.ref));
      logDet = logDet.add(np.sum(logDerivative, 1));
      z = np.concatenate(k % 2 === 0 ? [a, moved] : [moved, a], 1);
    });
    return np.mean(energy(z).sub(logDet));
  };
  return train({ parts, loss, fixed: toTensor(hashNormal([rows, dim], 1)) }, expected);
}

function affine(b: Tensor, parameters: Tensor): [Tensor, Tensor] {
  const [raw, shift] = halves(parameters);
  const logScale = np.tanh(raw);
  return [b.mul(np.exp(logScale.ref)).add(shift), logScale];
}

const COMPONENTS = 8;

function mixtureLogit(b: Tensor, parameters: Tensor): [Tensor, Tensor] {
  const all = parameters.reshape([...b.shape, 3 * COMPONENTS]);
  const means = last(all.ref, COMPONENTS, 2 * COMPONENTS);
  const logScales = last(all.ref, 2 * COMPONENTS, 3 * COMPONENTS);
  const logWeights = nn.logSoftmax(last(all, 0, COMPONENTS), -1);
  const z = b
    .reshape([...b.shape, 1])
    .sub(means)
    .mul(np.exp(logScales.ref.mul(-1)));
  const [below, above] = [nn.logSigmoid(z.ref), nn.logSigmoid(z.mul(-1))];
  const logF = nn.logsumexp(logWeights.ref.add(below.ref), -1);
  const logS = nn.logsumexp(logWeights.ref.add(above.ref), -1);
  const logDensity = nn.logsumexp(logWeights.add(below).add(above).sub(logScales), -1);
  return [logF.ref.sub(logS.ref), logDensity.sub(logF).sub(logS)];
}

const [BINS, BOUND, LEAST] = [8, 3, 1e-3];

function spline(b: Tensor, parameters: Tensor): [Tensor, Tensor] {
  const [rows, dim] = b.shape as [number, number];
  const all = parameters.reshape([rows, dim, 3 * BINS - 1]);
  const knots = (raw: Tensor): Tensor => {
    const shares = nn
      .softmax(raw, -1)
      .mul(1 - LEAST * BINS)
      .add(LEAST);
    const ends: [number, number][] = [
      [0, 0],
      [0, 0],
      [1, 0],
    ];
    return np
      .pad(np.cumsum(shares, 2), ends)
      .mul(2 * BOUND)
      .sub(BOUND);
  };
  const kx = knots(last(all.ref, 0, BINS));
  const ky = knots(last(all.ref, BINS, 2 * BINS));
  const end = np.full([rows, dim, 1], Math.log(Math.exp(1 - LEAST) - 1));
  const slopes = np.concatenate([end.ref, last(all, 2 * BINS, 3 * BINS - 1), end], 2);
  const d = nn.softplus(slopes).add(LEAST);
  const inside = np.lessEqual(np.absolute(b.ref), BOUND);
  const inBox = np.clip(b.ref, -BOUND, BOUND);
  const from = (t: Tensor): Tensor => last(t, 0, BINS);
  const to = (t: Tensor): Tensor => last(t, 1, BINS + 1);
  const reached = np.greaterEqual(inBox.ref.reshape([rows, dim, 1]), from(kx.ref)).astype(np.float32);
  const bin = np.sum(reached, 2).sub(1);
  const here = np.equal(np.arange(BINS).astype(np.float32), bin.reshape([rows, dim, 1])).astype(np.float32);
  const at = (t: Tensor): Tensor => np.sum(t.mul(here.ref), 2);
  const [x0, x1, y0, y1, d0, d1] = [at(from(kx.ref)), at(to(kx)), at(from(ky.ref)), at(to(ky)), at(from(d.ref)), at(to(d))];
  here.dispose();
  const [width, height] = [x1.sub(x0.ref), y1.sub(y0.ref)];
  const s = height.ref.div(width.ref);
  const t = inBox.sub(x0).div(width);
  const rest = complement(t.ref);
  const both = t.ref.mul(rest.ref);
  const denominator = s.ref.add(d0.ref.add(d1.ref).sub(s.ref.mul(2)).mul(both.ref));
  const value = y0.add(height.mul(s.ref.mul(squareOf(t.ref)).add(d0.ref.mul(both.ref))).div(denominator.ref));
  const ends = d1.mul(squareOf(t)).add(d0.mul(squareOf(rest)));
  const numerator = squareOf(s.ref).mul(ends.add(s.mul(both).mul(2)));
  const logSlope = np.log(numerator).sub(np.log(denominator).mul(2));
  return [np.where(inside.ref, value, b), np.where(inside, logSlope, 0)];
}

function maskedAutoregressive(): Prepared {
  const [dim, rows, hidden] = [32, 128, 320];
  const masks = autoencoderMasks(dim, [hidden, hidden]).map(toTensor);
  const parts = Array.from({ length: 4 }, (_, k) => toPart(perceptronWeights([dim, hidden, hidden, 2 * dim], k)));
  const loss = (all: Part[], x: Tensor): Tensor => {
    let z = x;
    let logDet = np.zeros([rows]);
    for (const part of all) {
      const [moved, logScale] = affine(z, maskedAutoencoder(part, masks, z.ref));
      logDet = logDet.add(np.sum(logScale, 1));
      z = np.flip(moved, 1);
    }
    return np.mean(energy(z).sub(logDet));
  };
  return train({ parts, loss, fixed: toTensor(hashNormal([rows, dim], 1)) }, LOSSES.P5);
}

function autoencoder(): Prepared {
  const [rows, pixels, latent, context, hidden, stepHidden] = [100, 784, 40, 40, 300, 320];
  const masks = autoencoderMasks(latent, [stepHidden, stepHidden]).map(toTensor);
  const parts = [
    toPart(perceptronWeights([pixels, hidden, hidden, 2 * latent + context], 0, 1)),
    toPart(perceptronWeights([latent, hidden, hidden, pixels], 1, 1)),
    ...[2, 3, 4, 5].map((k) => [
      ...toPart(perceptronWeights([latent, stepHidden, stepHidden, 2 * latent], k)),
      toTensor(hashNormal([context, stepHidden], 100 + 10 * k + 9, 0.5 / Math.sqrt(context))),
    ]),
  ];
  const loss = ([encoder, decoder, ...steps]: Part[], noise: Tensor, x?: Tensor): Tensor => {
    const batch = x as Tensor;
    const encoded = perceptron(encoder as Part, batch.ref);
    const [mean, logVariance] = [last(encoded.ref, 0, latent), last(encoded.ref, latent, 2 * latent)];
    const h = last(encoded, 2 * latent, 2 * latent + context);
    let z = mean.add(np.exp(logVariance.ref.mul(0.5)).mul(noise.ref));
    let logQ = np.sum(squareOf(noise).add(logVariance).add(LOG_TWO_PI), 1).mul(-0.5);
    for (const part of steps) {
      const [raw, shift] = halves(maskedAutoencoder(part, masks, z.ref, h.ref));
      const s = raw.add(2);
      const gate = nn.sigmoid(s.ref);
      z = np.flip(gate.ref.mul(z).add(complement(gate).mul(shift)), 1);
      logQ = logQ.sub(np.sum(nn.logSigmoid(s), 1));
    }
    h.dispose();
    const logits = perceptron(decoder as Part, z.ref);
    const reconstruction = np.sum(nn.softplus(logits.ref).sub(batch.mul(logits)), 1);
    return np.mean(reconstruction.add(logQ).add(energy(z)));
  };
  const batches = binaryDigits(20, rows).map(toTensor);
  return train({ parts, loss, fixed: toTensor(hashNormal([rows, latent], 1)), noise: [rows, latent], batches }, LOSSES.P7);
}

function surgery(): Prepared {
  const [count, dim, rows] = [10000, 32, 500];
  const { mean, logVariance, noise, draw } = posteriors(count, dim);
  const prepare = jit((mu: Tensor, lv: Tensor) => {
    const precision = np.exp(lv.ref.mul(-1));
    const coefficients = np.transpose(np.concatenate([precision.ref.mul(-0.5), mu.ref.mul(precision.ref)], 1));
    return [coefficients, np.sum(squareOf(mu).mul(precision).add(lv).add(LOG_TWO_PI), 1).mul(-0.5)];
  });
  const block = jit((z: Tensor, coefficients: Tensor, constants: Tensor) =>
    nn.logsumexp(np.matmul(np.concatenate([squareOf(z.ref), z], 1), coefficients).add(constants), -1),
  );
  const rest = jit((eps: Tensor, lv: Tensor, z: Tensor) => {
    const own = np.mean(np.sum(squareOf(eps).add(lv).add(LOG_TWO_PI), 1)).mul(-0.5);
    return [own, np.mean(energy(z)).mul(-1)];
  });
  const [mu, lv, eps, z] = [mean, logVariance, noise, draw].map(toTensor) as [Tensor, Tensor, Tensor, Tensor];
  const blocks = Array.from({ length: count / rows }, (_, i) =>
    toTensor({ data: draw.data.slice(i * rows * dim, (i + 1) * rows * dim), shape: [rows, dim] }),
  );
  const run = async (): Promise<[number, number]> => {
    const [coefficients, constants] = prepare(mu.ref, lv.ref) as [Tensor, Tensor];
    let aggregate = -Math.log(count);
    for (const some of blocks) {
      for (const value of await block(some.ref, coefficients.ref, constants.ref).data()) {
        aggregate += value / count;
      }
    }
    coefficients.dispose();
    constants.dispose();
    const figures = rest(eps.ref, lv.ref, z.ref) as [Tensor, Tensor];
    const [own, prior] = await Promise.all(figures.map(async (figure) => (await figure.data())[0] as number));
    return [(own as number) - aggregate, aggregate - (prior as number)];
  };
  return {
    parameters: 0,
    check: async (thorough) => (thorough ? checkSurgery(...(await run())) : []),
    step: run,
    dispose: () => tree.dispose([mu, lv, eps, z, ...blocks]),
  };
}

function quantiles(): Prepared {
  const problem = mixtures(128, 768, COMPONENTS);
  const given = [problem.logits, problem.means, problem.logScales, problem.target].map(toTensor);
  const [logits, means, logScales, target] = given as [Tensor, Tensor, Tensor, Tensor];
  const begin = jit((raw: Tensor, m: Tensor, s: Tensor) => {
    const reach = np.exp(s.ref).mul(20);
    return [nn.softmax(raw, -1), np.exp(s.mul(-1)), np.min(m.ref.sub(reach.ref), 2), np.max(m.add(reach), 2)];
  });
  // One halving a call: all of them in one take far longer to compile.
  const halve = jit((weights: Tensor, m: Tensor, rates: Tensor, u: Tensor, low: Tensor, high: Tensor) => {
    const x = low.ref.add(high.ref).mul(0.5);
    const below = np.sum(
      weights.mul(
        nn.sigmoid(
          x.ref
            .reshape([...x.shape, 1])
            .sub(m)
            .mul(rates),
        ),
      ),
      2,
    );
    const isLow = np.less(below, u);
    return [np.where(isLow.ref, x.ref, low), np.where(isLow, high, x)];
  });
  const run = async (): Promise<ArrayLike<number>> => {
    const [weights, rates, ...ends] = begin(logits.ref, means.ref, logScales.ref) as [Tensor, Tensor, Tensor, Tensor];
    let [low, high] = ends;
    for (let halving = 0; halving < 26; halving++) {
      [low, high] = halve(weights.ref, means.ref, rates.ref, target.ref, low, high) as [Tensor, Tensor];
    }
    weights.dispose();
    rates.dispose();
    return low.add(high).mul(0.5).data();
  };
  return {
    parameters: 0,
    check: async () => checkQuantiles(await run(), problem.solution()),
    step: run,
    dispose: () => tree.dispose(given),
  };
}

const small = { dim: 2, rows: 512, layers: 8, hidden: 64 };
const large = { dim: 64, rows: 128, hidden: 256 };
const WORKLOADS: readonly Workload[] = [
  { name: 'P1', make: () => planar(2, 256, LOSSES.P1) },
  { name: 'P2', make: () => planar(32, 128, LOSSES.P2) },
  { name: 'P3', make: () => couplings({ ...small, outputs: 2, transform: affine }, LOSSES.P3) },
  { name: 'P4', make: () => couplings({ ...large, layers: 8, outputs: 2, transform: affine }, LOSSES.P4) },
  { name: 'P5', make: maskedAutoregressive },
  { name: 'P6', make: () => couplings({ ...large, layers: 4, outputs: 3 * COMPONENTS, transform: mixtureLogit }, LOSSES.P6) },
  { name: 'P7', make: autoencoder },
  { name: 'P8', make: surgery },
  { name: 'P9', make: quantiles },
  { name: 'P10', make: () => couplings({ ...small, outputs: 3 * BINS - 1, transform: spline }, LOSSES.P10) },
];

const orders = readOrders();
const implementation = 'jax-js wasm';
if (orders.limits) {
  await measureProducts();
} else {
  await runWorkloads(implementation, WORKLOADS, orders);
}
process.exit(0);

async function measureProducts(): Promise<void> {
  const n = 256;
  const [a, b] = [random.normal(random.key(0), [n, n]), random.normal(random.key(1), [n, n])];
  const layouts = {
    NN: jit((x: Tensor, y: Tensor) => np.matmul(x, y)),
    NT: jit((x: Tensor, y: Tensor) => np.matmul(x, np.transpose(y))),
    TN: jit((x: Tensor, y: Tensor) => np.matmul(np.transpose(x), y)),
  };
  const patience = { warmUp: 5, seconds: orders.brief ? 0 : 0.5, leastRuns: 1, mostRuns: 200, mostSeconds: 3, fewRuns: 1 };
  for (const [layout, multiply] of Object.entries(layouts)) {
    const times = await measure(async () => (await multiply(a.ref, b.ref).blockUntilReady()).dispose(), patience);
    const value = (2 * n ** 3) / times.median / 1e6;
    print({ kind: 'limit', implementation, what: `matmul ${layout} ${n}`, unit: 'GFLOP/s', value });
  }
}
