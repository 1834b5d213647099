// The numbers that all workloads are made of, the same in every language: drawn by hashing a counter, so that another
// implementation gets the same data, the same initial weights, and thus the same loss. Nothing here needs TensorFlow.js.

/** A weight, a mask or an array of data, row by row. */
export interface Values {
  readonly data: Float32Array;
  readonly shape: number[];
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((total, size) => total * size, 1);

/** 32 bits that look random, of any integer (the finaliser "lowbias32", Wellons 2018). */
function hash32(counter: number): number {
  const first = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
  const second = Math.imul(first ^ (first >>> 15), 0x735a2d97);
  return (second ^ (second >>> 15)) >>> 0;
}

/** Streams of different seeds start this far from each other, modulo 2^32. */
const STRIDE = 1000003n;

/** Uniform on (0, 1), in float64. */
function uniforms(count: number, seed: number): Float64Array {
  const offset = Number((BigInt(seed) * STRIDE) & 0xffffffffn);
  return Float64Array.from({ length: count }, (_, i) => (hash32((i + offset) >>> 0) + 0.5) / 2 ** 32);
}

/** Uniform on (low, high). */
export function hashUniform(shape: number[], seed: number, low: number, high: number): Values {
  return { data: Float32Array.from(uniforms(sizeOf(shape), seed), (u) => low + (high - low) * u), shape };
}

/** N(shift, scale^2), by Box and Muller from the uniforms of seeds 2 seed and 2 seed + 1. */
export function hashNormal(shape: number[], seed: number, scale = 1, shift = 0): Values {
  const count = sizeOf(shape);
  const [radii, angles] = [uniforms(count, 2 * seed), uniforms(count, 2 * seed + 1)];
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const radius = Math.sqrt(-2 * Math.log(radii[i] as number));
    data[i] = shift + scale * radius * Math.cos(2 * Math.PI * (angles[i] as number));
  }
  return { data, shape };
}

export interface Layer {
  readonly kernel: Values;
  readonly bias: Values;
}

/** Initial weights of the k-th perceptron of a model: kernels of deviation scale / sqrt(inputs), biases of 0. */
export function perceptronWeights(sizes: readonly number[], k: number, scale = 0.5): Layer[] {
  return sizes.slice(1).map((outputs, layer) => {
    const inputs = sizes[layer] as number;
    return {
      kernel: hashNormal([inputs, outputs], 100 + 10 * k + layer, scale / Math.sqrt(inputs)),
      bias: { data: new Float32Array(outputs), shape: [outputs] },
    };
  });
}

/** Degrees of the hidden units of a masked autoencoder of D inputs: 1 ... D - 1 in turn. */
export const hiddenDegrees = (dim: number, units: number): number[] =>
  Array.from({ length: units }, (_, unit) => (unit % (dim - 1)) + 1);

/** Its masks, a layer each: inputs of degrees 1 ... D, hidden layers as above, two blocks of D outputs. */
export function autoencoderMasks(dim: number, hidden: readonly number[]): Values[] {
  const inputs = Array.from({ length: dim }, (_, d) => d + 1);
  const layers = [inputs, ...hidden.map((units) => hiddenDegrees(dim, units)), [...inputs, ...inputs]];
  return layers.slice(1).map((to, layer) => {
    const from = layers[layer] as number[];
    const isLast = layer === hidden.length;
    const kept = from.flatMap((low) => to.map((high) => Number(isLast ? high > low : high >= low)));
    return { data: Float32Array.from(kept), shape: [from.length, to.length] };
  });
}

/** N diagonal Gaussians and a draw from each. */
export function posteriors(count: number, dim: number): Record<'mean' | 'logVariance' | 'noise' | 'draw', Values> {
  const shape = [count, dim];
  const mean = hashNormal(shape, 11, 0.3);
  const logVariance = hashNormal(shape, 12, 0.3, -1);
  const noise = hashNormal(shape, 13);
  const draw = mean.data.map(
    (m, i) => m + Math.fround(Math.exp(0.5 * (logVariance.data[i] as number))) * (noise.data[i] as number),
  );
  return { mean, logVariance, noise, draw: { data: draw, shape } };
}

/** Logistic mixtures, a number in (0, 1) for each, and (float64, by bisection) where its distribution function reaches it. */
export interface MixtureProblem {
  readonly logits: Values;
  readonly means: Values;
  readonly logScales: Values;
  readonly target: Values;
  solution(): Float64Array;
}

export function mixtures(rows: number, dim: number, components: number): MixtureProblem {
  const shape = [rows, dim, components];
  const logits = hashNormal(shape, 21);
  const means = hashNormal(shape, 22);
  const logScales = hashUniform(shape, 46, -1, 0);
  const target = hashUniform([rows, dim], 48, 0.02, 0.98);
  return { logits, means, logScales, target, solution: () => bisect({ logits, means, logScales }, target, components) };
}

type Mixtures = Record<'logits' | 'means' | 'logScales', Values>;

function bisect({ logits, means, logScales }: Mixtures, target: Values, components: number): Float64Array {
  const weights = Float64Array.from(logits.data, Math.exp);
  const scales = Float64Array.from(logScales.data, Math.exp);
  return Float64Array.from(target.data, (probability, i) => {
    const places = Array.from({ length: components }, (_, k) => i * components + k);
    const total = places.reduce((sum, k) => sum + (weights[k] as number), 0);
    const below = (x: number): number =>
      places.reduce((sum, k) => {
        const z = (x - (means.data[k] as number)) / (scales[k] as number);
        return sum + (weights[k] as number) / (1 + Math.exp(-z));
      }, 0) / total;
    let low = Math.min(...places.map((k) => (means.data[k] as number) - 20 * (scales[k] as number)));
    let high = Math.max(...places.map((k) => (means.data[k] as number) + 20 * (scales[k] as number)));
    for (let halving = 0; halving < 48; halving++) {
      const middle = (low + high) / 2;
      if (below(middle) < probability) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  });
}
