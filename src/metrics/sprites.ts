import { tensor } from '@tensorflow/tfjs-core';
import { checkInteger, checkNumber, checkOptions, invalid } from '../core/errors.js';
import type { Rng } from '../core/rng.js';
import { createRng } from '../core/rng.js';
import { sizeOf } from '../core/shapes.js';
import type { Point } from './coverage.js';
import { coverageOf } from './coverage.js';
import { randomIntegers } from './rowsByLevel.js';
import type { FactorRows, Simulator } from './simulator.js';

/** The shapes that `sprites` knows. None looks the same after part of a turn. */
export type SpriteShape = 'heart' | 'triangle' | 'ell';

/** What `sprites` takes. */
export interface SpritesOptions {
  /** Height and width of an image in pixels. Default 64. */
  readonly size?: number;
  /** Default: all three. */
  readonly shapes?: readonly SpriteShape[];
  /** Levels of the other factors. What has one level is no factor: it stays in the middle. Default 6, 40, 32, 32. */
  readonly levels?: { readonly scale?: number; readonly rotation?: number; readonly x?: number; readonly y?: number };
  /** From a sprite's centre to its farthest point at the largest scale, in parts of the image. Default 0.25, at most 0.5. */
  readonly radius?: number;
  /** Whether images have w: a background and a brighter sprite, drawn together. Default false: white on black. */
  readonly shading?: boolean;
}

/**
 * A simulator Sim(v, w) of sprites, in the manner of dSprites, of any size and with exact antialiasing: a pixel's value is the part
 * of it that the sprite covers.
 *
 * v, in this order, the last one changing fastest in the grid:
 * - shape: heart, triangle or L, all three without rotational symmetry, so that no two combinations of factors look the same
 * - scale: from 1/2 to 1
 * - rotation: from 0 up to a full turn, which is not repeated at the end; clockwise
 * - x, y: the centre, from the left and from the top; the sprite never leaves the image
 *
 * w, with `shading`: the grey levels [background, foreground], background uniform in (0, 1/2) and foreground in
 * (background + 1/2, 1): a pixel is background + coverage (foreground - background). Without, 0 and 1.
 *
 * Images are made on the host, with the same bits for the same factors everywhere: [N, size, size, 1], float32 between 0 and 1.
 *
 * @throws for unknown options and shapes, sizes and levels that are no positive integers, no factor with two levels; when rendering,
 * for factors that are no levels.
 * Source: Matthey et al. 2017, "dSprites: disentanglement testing sprites dataset"; Higgins et al. 2017 for Sim(v, w).
 * @example
 * ```ts
 * import { createRng } from 'tfjs-flows';
 * import { sprites } from 'tfjs-flows/metrics';
 *
 * const simulator = sprites({ size: 32, levels: { scale: 2, rotation: 4, x: 5, y: 5 } });
 * console.log(simulator.factorNames.join(' '), simulator.factorSizes.join(' ')); // => shape scale rotation x y 3 2 4 5 5
 * console.log(simulator.gridSize, simulator.factorGrid(599)); // => 600 [ Int32Array(5) [ 2, 1, 3, 4, 4 ] ]
 * const { images, factors } = simulator.sample(10, createRng(0));
 * console.log(images.shape, factors.length); // => [ 10, 32, 32, 1 ] 10
 * ```
 */
export function sprites(options: SpritesOptions = {}): Simulator {
  const where = 'sprites';
  checkOptions(where, options, ['size', 'shapes', 'levels', 'radius', 'shading']);
  const { size = 64, shapes = ['heart', 'triangle', 'ell'], levels = {}, radius = 0.25, shading = false } = options;
  checkInteger(where, 'options.size', size, 1);
  checkNumber(where, 'options.radius', radius, { above: 0, most: 0.5 });
  if (typeof shading !== 'boolean') {
    throw invalid(where, 'options.shading', 'true or false', shading);
  }
  const isKnown = (shape: unknown): boolean => typeof shape === 'string' && Object.hasOwn(OUTLINES, shape);
  if (!Array.isArray(shapes) || shapes.length === 0 || !shapes.every(isKnown) || new Set(shapes).size < shapes.length) {
    throw invalid(where, 'options.shapes', `different ones of ${Object.keys(OUTLINES).join(', ')}`, shapes);
  }
  const sizes = sizesOf(shapes.length, levels);
  const outlines = shapes.map((shape) => normalised(OUTLINES[shape as SpriteShape]()));
  const factors = NAMES.filter((name) => sizes[name] > 1);
  const factorSizes = factors.map((name) => sizes[name]);
  if (factors.length === 0) {
    throw invalid(where, 'options.levels', 'two levels at least for one of the factors', levels);
  }

  /** The outline of the sprite with these levels, in pixels. */
  const outlineOf = (row: ArrayLike<number>): Point[] => {
    const level = (name: FactorName): number => {
      const k = factors.indexOf(name);
      return k < 0 ? 0 : (row[k] as number);
    };
    /** From 0 to 1, and 1/2 for a single level. */
    const part = (name: FactorName): number => (sizes[name] === 1 ? 0.5 : level(name) / (sizes[name] - 1));
    const reach = radius * (0.5 + part('scale') / 2) * size;
    const angle = (2 * Math.PI * level('rotation')) / sizes.rotation;
    const [cos, sin] = [reach * Math.cos(angle), reach * Math.sin(angle)];
    const [x, y] = (['x', 'y'] as const).map((name) => size * (radius + part(name) * (1 - 2 * radius))) as [number, number];
    return (outlines[level('shape')] as readonly Point[]).map(([u, v]) => [x + cos * u - sin * v, y + sin * u + cos * v]);
  };

  const simulator: Simulator = {
    factorNames: factors,
    factorSizes,
    gridSize: sizeOf(factorSizes),
    imageShape: [size, size, 1],
    render: (v, w) => {
      checkFactors(v, factorSizes);
      checkShades(w, v.length);
      const pixels = new Float32Array(v.length * size * size);
      v.forEach((row, n) => {
        const [background, foreground] = (w?.[n] ?? [0, 1]) as [number, number];
        pixels.set(
          coverageOf(outlineOf(row), size, size).map((covered) => background + covered * (foreground - background)),
          n * size * size,
        );
      });
      return tensor(pixels, [v.length, size, size, 1], 'float32');
    },
    drawFactors: (count, rng = createRng()) => {
      checkInteger('sprites.drawFactors', 'count', count, 1);
      checkOptions('sprites.drawFactors', { rng }, ['rng']);
      const columns = factorSizes.map((levelCount) => randomIntegers(rng, count, levelCount));
      return Array.from({ length: count }, (_, n) => Int32Array.from(columns, (column) => column[n] as number));
    },
    drawNuisance: (count, rng = createRng()) => {
      checkInteger('sprites.drawNuisance', 'count', count, 1);
      checkOptions('sprites.drawNuisance', { rng }, ['rng']);
      return shading ? drawShades(count, rng) : undefined;
    },
    factorGrid: (start = 0, end = simulator.gridSize) => {
      checkInteger('sprites.factorGrid', 'start', start, 0);
      checkInteger('sprites.factorGrid', 'end', end, start + 1);
      if (end > simulator.gridSize) {
        throw invalid('sprites.factorGrid', 'end', `at most ${simulator.gridSize}, the size of the grid`, end);
      }
      return Array.from({ length: end - start }, (_, n) => gridRow(start + n, factorSizes));
    },
    sample: (count, rng = createRng()) => {
      const drawn = simulator.drawFactors(count, rng);
      const nuisance = simulator.drawNuisance(count, rng);
      return { images: simulator.render(drawn, nuisance), factors: drawn, ...(nuisance === undefined ? {} : { nuisance }) };
    },
    batches: (request) => {
      checkOptions('sprites.batches', request, ['batches', 'batchSize']);
      const { batches, batchSize = 64 } = request;
      checkInteger('sprites.batches', 'options.batches', batches, 1);
      checkInteger('sprites.batches', 'options.batchSize', batchSize, 1);
      return function* ({ rng }) {
        for (let batch = 0; batch < batches; batch++) {
          yield simulator.sample(batchSize, rng).images;
        }
      };
    },
  };
  return simulator;
}

const NAMES = ['shape', 'scale', 'rotation', 'x', 'y'] as const;
type FactorName = (typeof NAMES)[number];

function sizesOf(shapes: number, levels: NonNullable<SpritesOptions['levels']>): Record<FactorName, number> {
  checkOptions('sprites: options.levels', levels, NAMES.slice(1));
  const sizes = { shape: shapes, scale: 6, rotation: 40, x: 32, y: 32, ...levels };
  for (const name of NAMES) {
    checkInteger('sprites', `options.levels.${name}`, sizes[name], 1);
  }
  return sizes;
}

/** The outlines, in any place and size; x to the right, y down. */
const OUTLINES: Readonly<Record<SpriteShape, () => Point[]>> = {
  heart: () =>
    Array.from({ length: 64 }, (_, i) => {
      const t = (2 * Math.PI * i) / 64;
      return [16 * Math.sin(t) ** 3, -(13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t))] as const;
    }),
  triangle: () => [
    [0, -2],
    [1.4, 1.2],
    [-1.4, 1.2],
  ],
  ell: () => [
    [0, 0],
    [1.5, 0],
    [1.5, 2.5],
    [3.5, 2.5],
    [3.5, 4],
    [0, 4],
  ],
};

/** Moved and scaled so that its centroid is the origin and its farthest corner has distance 1. */
function normalised(outline: readonly Point[]): Point[] {
  let [area, x, y] = [0, 0, 0];
  outline.forEach(([ax, ay], i) => {
    const [bx, by] = outline[(i + 1) % outline.length] as Point;
    const cross = ax * by - bx * ay;
    area += cross / 2;
    x += ((ax + bx) * cross) / 6;
    y += ((ay + by) * cross) / 6;
  });
  const centred = outline.map(([u, v]) => [u - x / area, v - y / area] as const);
  const reach = Math.max(...centred.map(([u, v]) => Math.hypot(u, v)));
  return centred.map(([u, v]) => [u / reach, v / reach]);
}

/** The digits of a number in the mixed base of the sizes. */
function gridRow(index: number, sizes: readonly number[]): Int32Array {
  const row = new Int32Array(sizes.length);
  let rest = index;
  for (let k = sizes.length - 1; k >= 0; k--) {
    const levels = sizes[k] as number;
    row[k] = rest % levels;
    rest = Math.floor(rest / levels);
  }
  return row;
}

function drawShades(count: number, rng: Rng): Float32Array[] {
  const words = rng.bits(2 * count);
  const unit = (i: number): number => ((words[i] as number) + 0.5) / 2 ** 32;
  return Array.from({ length: count }, (_, n) => {
    const background = unit(2 * n) / 2;
    return Float32Array.of(background, background + 0.5 + unit(2 * n + 1) * (0.5 - background));
  });
}

function checkFactors(v: FactorRows, sizes: readonly number[]): void {
  if (!Array.isArray(v) || v.length === 0) {
    throw invalid('sprites.render', 'v', `rows of ${sizes.length} levels`, v);
  }
  v.forEach((row: ArrayLike<number>, n) => {
    if (row?.length !== sizes.length) {
      throw invalid('sprites.render', `v[${n}]`, `a row of ${sizes.length} levels`, row);
    }
    sizes.forEach((levels, k) => {
      const level = row[k] as number;
      if (!Number.isInteger(level) || level < 0 || level >= levels) {
        throw invalid('sprites.render', `v[${n}][${k}]`, `an integer from 0 to ${levels - 1}`, level);
      }
    });
  });
}

function checkShades(w: readonly ArrayLike<number>[] | undefined, count: number): void {
  if (w === undefined) {
    return;
  }
  if (!Array.isArray(w) || w.length !== count) {
    throw invalid('sprites.render', 'w', `${count} rows [background, foreground], as many as v has`, w);
  }
  w.forEach((row: ArrayLike<number>, n) => {
    if (row?.length !== 2) {
      throw invalid('sprites.render', `w[${n}]`, 'a row [background, foreground]', row);
    }
    for (const k of [0, 1]) {
      checkNumber('sprites.render', `w[${n}][${k}]`, row[k], { least: 0, most: 1 });
    }
  });
}
