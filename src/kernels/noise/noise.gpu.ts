// Philox 4x32-10 and what is made of its words, each number by a thread of its own; the same numbers as those of core/rng.ts.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NoiseAttributes } from '../../core/rng.js';
import { NORMALS, UNIFORMS } from '../../core/rng.js';
import type { Gpu, GpuKernels } from '../gpu/gpu.js';
import type { Shader } from '../gpu/shader.js';

/**
 * Normals are within 2e-6 of the host's, uniform numbers within an ulp of their larger end, those of (0, 1) exact: the arithmetic is
 * such that it does not depend on a device's logarithm near 1 or its sine.
 */
export const noiseKernels: GpuKernels = {
  [NORMALS]: (gpu, _, attributes) => draw(gpu, 'normals', attributes as NoiseAttributes, [], normal),
  [UNIFORMS]: (gpu, _, attributes) => {
    const { low = 0, high = 1 } = attributes as NoiseAttributes;
    return draw(gpu, 'uniforms', attributes as NoiseAttributes, [low, high - low, high], uniform);
  },
};

/** Where in the stream numbers begin changes with every draw, so it is no part of the text; nor is the size, as weights have many. */
function draw(
  gpu: Gpu,
  key: string,
  noise: NoiseAttributes,
  ends: readonly number[],
  write: (shader: Shader, words: readonly string[]) => string,
): TensorInfo[] {
  const { counter, shape } = noise;
  const start = gpu.numbers([...[...noise.key, counter % TWO_32, Math.floor(counter / TWO_32)].flatMap(halves), ...ends]);
  const made = gpu.runAnySize(key, [start], shape, (shader) => write(shader, block(shader)));
  gpu.free(start);
  return [made];
}

const TWO_32 = 2 ** 32;
/** Numbers of 16 bits, which float32 holds. */
const halves = (word: number): number[] => [word % 65536, Math.floor(word / 65536)];
/** Numbers of the input in front of the ends. */
const HALVES = 8;

/** The four words of the block that the number at `index` is of. */
function block({ read, unsigned, convert }: Shader): readonly string[] {
  const word = (i: number): string =>
    unsigned(`${convert('u32', read(0, `${2 * i}`))} + (${convert('u32', read(0, `${2 * i + 1}`))} << 16u)`);
  const product = (a: number, b: string): [high: string, low: string] => {
    const [aLow, aHigh] = halves(a).map((half) => `${half}u`) as [string, string];
    const bLow = unsigned(`${b} & 65535u`);
    const bHigh = unsigned(`${b} >> 16u`);
    const middle = unsigned(`${aHigh} * ${bLow} + ((${aLow} * ${bLow}) >> 16u)`);
    const other = unsigned(`${aLow} * ${bHigh} + (${middle} & 65535u)`);
    return [unsigned(`${aHigh} * ${bHigh} + (${middle} >> 16u) + (${other} >> 16u)`), unsigned(`${a}u * ${b}`)];
  };
  let [k0, k1] = [word(0), word(1)];
  const low = word(2);
  let c0 = unsigned(`${low} + ${convert('u32', 'index / 4')}`);
  // Where the low word wraps around, the high one goes up.
  let c1 = unsigned(`${word(3)} + ${convert('u32', `${c0} < ${low}`)}`);
  let [c2, c3] = ['0u', '0u'];
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = product(0xd2511f53, c0);
    const [high1, low1] = product(0xcd9e8d57, c2);
    [c0, c1] = [unsigned(`${high1} ^ ${c1} ^ ${k0}`), low1];
    [c2, c3] = [unsigned(`${high0} ^ ${c3} ^ ${k1}`), low0];
    k0 = unsigned(`${k0} + ${0x9e3779b9}u`);
    k1 = unsigned(`${k1} + ${0xbb67ae85}u`);
  }
  return [c0, c1, c2, c3];
}

/** low + span u, u of 23 bits and a half: between the ends though each of the two operations rounds. */
function uniform({ lanes: o, convert, read, select, unsigned }: Shader, [c0, c1, c2, c3]: readonly string[]): string {
  const pair = (a: string | undefined, b: string | undefined): string => unsigned(select('index % 2 == 0', `${a}`, `${b}`));
  const word = unsigned(select('index % 4 < 2', pair(c0, c1), pair(c2, c3)));
  const [low, span, high] = [0, 1, 2].map((i) => read(0, `${HALVES + i}`)) as [string, string, string];
  const u = `${convert('f32', `2u * (${word} >> 9u) + 1u`)} * ${1 / 2 ** 24}`;
  return o.min(o.max(o.fma(span, u, low), low), high);
}

/** Box-Muller: a pair of words makes a pair of numbers. */
function normal({ lanes: o, convert, integer, select, unsigned }: Shader, [c0, c1, c2, c3]: readonly string[]): string {
  const word = unsigned(select('index % 4 < 2', `${c0}`, `${c2}`));
  // From the nearer one of 0 and 1, so that no bit is lost.
  const isLow = `${word} < 2147483648u`;
  const distance = o.mul(`(${convert('f32', select(isLow, word, `4294967295u - ${word}`))} + 0.5)`, o.constant(1 / TWO_32));
  const log = select(isLow, o.log(distance), o.log1p(o.neg(distance)));
  const radius = o.sqrt(o.mul(o.constant(-2), log));
  // The sine of a turn is the cosine of a quarter less.
  const turn = unsigned(`${select('index % 4 < 2', `${c1}`, `${c3}`)} - ${select('index % 2 == 0', '0u', '1073741824u')}`);
  // The nearest quarter of a turn, and what is left, in [-1/8, 1/8) turns.
  const quarter = unsigned(`(${turn} + 536870912u) >> 30u`);
  const left = integer(convert('i32', `${turn} - (${quarter} << 30u)`));
  const x = o.mul(convert('f32', left), o.constant((2 * Math.PI) / TWO_32));
  const z = o.mul(x, x);
  const series = (factors: readonly number[]): string =>
    factors.reduceRight((sum, factor) => o.fma(sum, z, o.constant(factor)), o.constant(0));
  const sine = o.fma(o.mul(x, z), series([-1 / 6, 1 / 120, -1 / 5040, 1 / 362880]), x);
  const cosine = series([1, -1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800]);
  const size = select(`${quarter} % 2u == 0u`, cosine, sine);
  return o.mul(radius, select(`${quarter} == 1u || ${quarter} == 2u`, `-(${size})`, size));
}
