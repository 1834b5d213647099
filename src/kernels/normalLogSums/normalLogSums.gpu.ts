// log sum_j N(point | normal j) for many points, without a matrix of all pairs.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { GpuKernels } from '../gpu/gpu.js';
import type { Shader } from '../gpu/shader.js';
import type { NormalLogSumsAttributes } from './normalLogSums.js';
import { NORMAL_LOG_SUMS } from './normalLogSums.js';

/** Normals side by side in memory. */
const PANEL = 8;
/** Panels whose terms a thread adds up, one after the other: few, so that threads are many and rounding errors do not add up. */
const PANELS = 32;

export const normalLogSumsKernels: GpuKernels = {
  [NORMAL_LOG_SUMS]: (gpu, inputs, attributes) => {
    const [points, , , atMean] = inputs as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const { skipped } = attributes as NormalLogSumsAttributes;
    const [rows, dim] = points.shape as [number, number];
    const panels = (atMean.shape[0] as number) / PANEL;
    const chunks = Math.ceil(panels / PANELS);
    const skips = gpu.numbers(skipped);
    // A thread takes two points, whose numbers stand below each other's in threads side by side: these read the same normals.
    const parts = gpu.runBlocks(`log sums ${rows} ${dim} ${panels}`, [...inputs, skips], [2 * chunks, rows], (shader) =>
      sumsOfChunk(shader, { rows, dim, panels }),
    );
    const result = gpu.run(`all log sums ${rows} ${chunks}`, [parts], [rows, 2], (shader) => sumOfAll(shader, rows, chunks));
    [skips, parts].forEach(gpu.free);
    return [result];
  },
};

/** Row 2 c has the largest terms of chunk c, the one below it the sums relative to them; columns are points. */
function sumsOfChunk(shader: Shader, { rows, dim, panels }: { rows: number; dim: number; panels: number }): readonly string[] {
  const { lanes: o, convert, integer, loop, memory, orNan, read, select, sums } = shader;
  const first = integer(`row / 2 * ${PANELS}`);
  const points = ['column', integer(`min(column + 1, ${rows - 1})`)];
  const skips = points.map((point) => integer(convert('i32', read(4, point))));
  const numbers = [0, 1, 2].map(() => memory(points.length));
  const [tops, totals, plain] = numbers as [(typeof numbers)[0], (typeof numbers)[0], (typeof numbers)[0]];
  points.forEach((_, p) => {
    tops.put(`${p}`, NONE);
    totals.put(`${p}`, '0.0');
    plain.put(`${p}`, '0.0');
  });
  const sides = Array.from({ length: PANEL }, (_, k) => k);
  loop(integer(`min(${PANELS}, ${panels} - ${first})`), (i) => {
    const panel = integer(`${first} + ${i}`);
    const distances = sums(dim, (d) => {
      const at = points.map((point) => read(0, `${point} * ${dim} + ${d}`));
      const begin = integer(`(${panel} * ${dim} + ${d}) * ${PANEL}`);
      return sides.flatMap((k) => {
        const [mean, inverse] = [1, 2].map((input) => read(input, `${begin} + ${k}`)) as [string, string];
        return at.map((x) => {
          const t = o.mul(o.sub(x, mean), inverse);
          return o.mul(t, t);
        });
      });
    });
    const heights = sides.map((k) => read(3, `${panel} * ${PANEL} + ${k}`));
    points.forEach((_, p) => {
      const terms = sides.map((k) => {
        const term = o.fma(o.constant(-0.5), distances[points.length * k + p] as string, heights[k] as string);
        return select(`${panel} * ${PANEL} + ${k} == ${skips[p]}`, NONE, term);
      });
      // A NaN passes through sums, though not through maxima.
      plain.put(
        `${p}`,
        terms.reduce((sum, term) => o.add(sum, term), plain.at(`${p}`)),
      );
      const before = tops.at(`${p}`);
      const top = terms.reduce((most, term) => o.max(most, term), before);
      const total = terms.reduce((sum, term) => o.add(sum, o.exp(o.sub(term, top))), '0.0');
      totals.put(`${p}`, o.fma(totals.at(`${p}`), o.exp(o.sub(before, top)), total));
      tops.put(`${p}`, top);
    });
  });
  return [tops, totals].flatMap((memory) => points.map((_, p) => orNan(memory.at(`${p}`), plain.at(`${p}`))));
}

/** Less than any term: what is infinite is so on no GPU for certain. */
const NONE = '-1.0e30';

/** The numbers of all chunks made one: element 0 of a point is the largest term, element 1 the sum relative to it. */
function sumOfAll({ lanes: o, choose, integer, loop, memory, read, sum }: Shader, rows: number, chunks: number): string {
  const point = integer('index / 2');
  const at = (row: string): string => `(${row}) * ${rows} + ${point}`;
  const largest = memory(1);
  largest.put('0', NONE);
  loop(chunks, (c) => {
    largest.put('0', o.max(largest.at('0'), read(0, at(`2 * ${c}`))));
  });
  const top = largest.at('0');
  return choose(
    'index % 2 == 0',
    () => top,
    () => sum(chunks, (c) => o.mul(read(0, at(`2 * ${c} + 1`)), o.exp(o.sub(read(0, at(`2 * ${c}`)), top)))),
  );
}
