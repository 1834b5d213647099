import type { Tensor } from '@tensorflow/tfjs-core';
import { broadcastTo, dispose, tensor, tidy } from '@tensorflow/tfjs-core';
import type { Distribution } from '../core/distribution.js';
import { kernelOf } from '../core/fused.js';
import { LOG_TWO_PI } from '../core/math.js';
import { sizeOf } from '../core/shapes.js';
import { readBack, tilesOf } from '../core/tiles.js';
import type { NormalParameters } from '../distributions/normalFamily.js';
import type { NormalLogSumsAttributes } from '../kernels/normalLogSums/normalLogSums.js';
import { NORMAL_LOG_SUMS } from '../kernels/normalLogSums/normalLogSums.js';
import type { LogSums } from './logSums.js';

/** N batches of independent normals over `dim` elements, each [N, dim] row by row. */
export interface Normals {
  readonly count: number;
  readonly dim: number;
  readonly mean: Float64Array;
  readonly logScale: Float64Array;
}

/** Whose parameters to read. */
export interface PosteriorsProblem {
  /** Those of the data points start <= j < end, as one batch. */
  readonly posterior: (start: number, end: number) => Distribution;
  readonly count: number;
  readonly event: readonly number[];
  readonly tile: number;
  readonly signal?: AbortSignal | undefined;
}

/** The parameters of all posteriors where they are independent normals; undefined otherwise. */
export async function readNormals({ posterior, count, event, tile, signal }: PosteriorsProblem): Promise<Normals | undefined> {
  const dim = sizeOf(event);
  const found: Normals = { count, dim, mean: new Float64Array(count * dim), logScale: new Float64Array(count * dim) };
  for (const [from, to] of tilesOf(count, tile)) {
    signal?.throwIfAborted();
    const tensors = tidy(() => {
      const { family } = posterior(from, to);
      if (family?.name !== 'normal') {
        return undefined;
      }
      const { mean, logScale } = family.parameters() as unknown as NormalParameters;
      return [mean, logScale].map((parameter) => broadcastTo(parameter, [to - from, ...event])) as [Tensor, Tensor];
    });
    if (tensors === undefined) {
      return undefined;
    }
    try {
      const [mean, logScale] = (await Promise.all(tensors.map((t) => t.data()))) as [Float32Array, Float32Array];
      found.mean.set(mean, from * dim);
      found.logScale.set(logScale, from * dim);
    } finally {
      dispose(tensors);
    }
  }
  return found;
}

/** Element d of each by itself. */
export function columnOf({ count, dim, mean, logScale }: Normals, d: number): Normals {
  const pick = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: count }, (_, j) => values[j * dim + d] as number);
  return { count, dim: 1, mean: pick(mean), logScale: pick(logScale) };
}

/** The pairs to sum up. */
export interface PairsProblem {
  readonly normals: Normals;
  /** M points [M, dim], row by row. */
  readonly points: ArrayLike<number>;
  /** Takes log N(point m | normal j) for all j. */
  readonly sums: LogSums;
  /** The j whose term m's sum has already. */
  readonly done?: ((m: number) => number) | undefined;
  readonly tile: number;
  readonly breathe: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
  /** Called after so many more pairs. */
  readonly onPairs: (pairs: number) => void;
}

/**
 * The log-densities of all points under all normals, summed: by a fused kernel in float32 where the backend has it, else on the host in
 * float64. Composed ops would have to hold M x N x dim differences, or to expand the square and lose sharp normals to cancellation.
 */
export async function addPairs(problem: PairsProblem): Promise<void> {
  const { normals, points, tile, breathe, signal, onPairs } = problem;
  const prepared = prepare(normals);
  const uploaded = upload(prepared);
  try {
    for (const [first, last] of tilesOf(points.length / normals.dim, tile)) {
      signal?.throwIfAborted();
      await (uploaded === undefined ? onHost(problem, prepared, first, last) : onDevice(problem, uploaded, first, last));
      onPairs((last - first) * normals.count);
      await breathe();
    }
  } finally {
    dispose(uploaded ?? []);
  }
}

interface Prepared extends Normals {
  readonly inverseScale: Float64Array;
  /** Log-densities at the means. */
  readonly atMean: Float64Array;
}

function prepare(normals: Normals): Prepared {
  const { count, dim, logScale } = normals;
  return {
    ...normals,
    inverseScale: logScale.map((value) => Math.exp(-value)),
    atMean: Float64Array.from({ length: count }, (_, j) =>
      logScale.subarray(j * dim, (j + 1) * dim).reduce((total, value) => total - value, -0.5 * dim * LOG_TWO_PI),
    ),
  };
}

/** What the kernel takes beside the points; undefined where the backend has none. */
function upload({ count, dim, mean, inverseScale, atMean }: Prepared): [Tensor, Tensor, Tensor] | undefined {
  if (kernelOf(NORMAL_LOG_SUMS) === undefined) {
    return undefined;
  }
  const whole = 8 * Math.ceil(count / 8);
  const panels = (values: Float64Array): Tensor => {
    const sideBySide = new Float32Array(dim * whole);
    for (let j = 0; j < count; j++) {
      const panel = (j - (j % 8)) * dim + (j % 8);
      for (let d = 0; d < dim; d++) {
        sideBySide[panel + 8 * d] = values[j * dim + d] as number;
      }
    }
    return tensor(sideBySide, [whole / 8, dim, 8]);
  };
  const heights = Float32Array.from({ length: whole }, (_, j) => atMean[j] ?? Number.NEGATIVE_INFINITY);
  return [panels(mean), panels(inverseScale), tensor(heights, [whole])];
}

async function onDevice({ normals: { dim }, points, sums, done }: PairsProblem, uploaded: Tensor[], first: number, last: number) {
  const skipped = Array.from({ length: last - first }, (_, i) => done?.(first + i) ?? -1);
  const rows = Float32Array.from({ length: (last - first) * dim }, (_, i) => points[first * dim + i] as number);
  const attributes: NormalLogSumsAttributes = { skipped };
  const pairs = await readBack(() => {
    const made = kernelOf(NORMAL_LOG_SUMS)?.call([tensor(rows, [last - first, dim]), ...uploaded], attributes) as [Tensor];
    return made[0];
  });
  for (let m = first; m < last; m++) {
    const [top, total] = [pairs[2 * (m - first)] as number, pairs[2 * (m - first) + 1] as number];
    sums.add(m, top + Math.log(total));
  }
}

/** A term smaller than the largest by so many nats is lost in float64. */
const NEGLIGIBLE = 60;

/** Most pairs are far apart, which shows after a few elements. */
async function onHost({ points, sums, done, breathe, signal }: PairsProblem, normals: Prepared, first: number, last: number) {
  const { count, dim, mean, inverseScale, atMean } = normals;
  const point = new Float64Array(dim);
  for (let m = first; m < last; m++) {
    signal?.throwIfAborted();
    for (let d = 0; d < dim; d++) {
      point[d] = points[m * dim + d] as number;
    }
    const skipped = done?.(m);
    for (let j = 0; j < count; j++) {
      if (j === skipped) {
        continue;
      }
      const top = atMean[j] as number;
      const most = 2 * (top + NEGLIGIBLE - sums.highest(m));
      const distance = squaredDistance(point, mean, inverseScale, j * dim, most);
      if (!(distance > most)) {
        sums.add(m, top - 0.5 * distance);
      }
    }
    await breathe();
  }
}

/** sum_d ((point_d - mean_d) / scale_d)^2, or something above `most` where it is above `most`, which is looked at now and then. */
function squaredDistance(
  point: Float64Array,
  mean: Float64Array,
  inverseScale: Float64Array,
  offset: number,
  most: number,
): number {
  const dim = point.length;
  let total = 0;
  for (let start = 0; start < dim && !(total > most); start += 8) {
    const end = Math.min(dim, start + 8);
    for (let d = start; d < end; d++) {
      const t = ((point[d] as number) - (mean[offset + d] as number)) * (inverseScale[offset + d] as number);
      total += t * t;
    }
  }
  return total;
}
