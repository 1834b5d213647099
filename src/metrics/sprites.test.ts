import * as tf from '@tensorflow/tfjs';
import { createRng } from 'tfjs-flows';
import type { Simulator } from 'tfjs-flows/metrics';
import { sprites } from 'tfjs-flows/metrics';
import { expectNoLeak } from 'tfjs-flows/testing';
import { describe, expect, it } from 'vitest';

interface Look {
  readonly image: Float32Array;
  readonly mass: number;
  readonly x: number;
  readonly y: number;
}

/** Sum, centre of mass and values of each image. */
async function look(simulator: Simulator, rows: number[][]): Promise<Look[]> {
  const images = simulator.render(rows);
  const values = (await images.data()) as Float32Array;
  images.dispose();
  const size = simulator.imageShape[0];
  return rows.map((_, n) => {
    const image = values.slice(n * size * size, (n + 1) * size * size);
    let [mass, x, y] = [0, 0, 0];
    image.forEach((value, i) => {
      mass += value;
      x += value * ((i % size) + 0.5);
      y += value * (Math.floor(i / size) + 0.5);
    });
    return { image, mass, x: x / mass, y: y / mass };
  });
}

const small = { scale: 3, rotation: 4, x: 5, y: 3 };

/** Of the polygon of 64 corners on the curve x = 4 (3 sin t - sin 3t), y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t, in triangles about 0. */
function heartArea(): number {
  const corners = Array.from({ length: 64 }, (_, i) => (Math.PI * i) / 32).map((t) => {
    const y = [0, 13, -5, -2, -1].reduce((total, factor, k) => total + factor * Math.cos(k * t), 0);
    return { x: 12 * Math.sin(t) - 4 * Math.sin(3 * t), y };
  });
  let [area, moment] = [0, 0];
  corners.forEach((a, i) => {
    const b = corners[(i + 1) % 64]!;
    const triangle = (a.x * b.y - a.y * b.x) / 2;
    area += triangle;
    moment += (triangle * (a.y + b.y)) / 3;
  });
  // Symmetric in x: the centroid lies on the axis.
  const centroid = moment / area;
  return Math.abs(area) / Math.max(...corners.map(({ x, y }) => x ** 2 + (y - centroid) ** 2));
}

describe('factors', () => {
  it('as in dSprites unless said', () => {
    const { factorNames, factorSizes, gridSize, imageShape } = sprites();
    expect(factorNames).toEqual(['shape', 'scale', 'rotation', 'x', 'y']);
    expect(factorSizes).toEqual([3, 6, 40, 32, 32]);
    expect(gridSize).toBe(737280);
    expect(imageShape).toEqual([64, 64, 1]);
  });

  it('what has one level is none, and stays in the middle', async () => {
    const simulator = sprites({ size: 40, shapes: ['heart'], levels: { scale: 1, rotation: 1, x: 5, y: 1 } });
    expect([simulator.factorNames, simulator.factorSizes]).toEqual([['x'], [5]]);
    const [first, , last] = await look(simulator, [[0], [2], [4]]);
    // But for what a pixel does not tell: where in it the sprite is.
    expect(first?.y).toBeCloseTo(20, 2);
    expect(first?.x).toBeCloseTo(10, 2);
    expect(last?.x).toBeCloseTo(30, 2);
    // The middle of 1/2 and 1.
    const [half, whole] = await look(sprites({ size: 40, shapes: ['heart'], levels: { ...small, scale: 2 } }), [
      [0, 0, 2, 1],
      [1, 0, 2, 1],
    ]);
    expect(first?.mass).toBeCloseTo((9 / 16) * (whole?.mass as number), 3);
    expect(half?.mass).toBeCloseTo((1 / 4) * (whole?.mass as number), 3);
  });

  it('the grid has every combination once, the last factor changing fastest', () => {
    const simulator = sprites({ levels: small });
    const grid = simulator.factorGrid().map((row) => row.join());
    expect(grid).toHaveLength(3 * 3 * 4 * 5 * 3);
    expect(new Set(grid).size).toBe(grid.length);
    expect(grid.slice(0, 4)).toEqual(['0,0,0,0,0', '0,0,0,0,1', '0,0,0,0,2', '0,0,0,1,0']);
    expect(grid.at(-1)).toBe('2,2,3,4,2');
    expect(simulator.factorGrid(7, 9).map((row) => row.join())).toEqual(grid.slice(7, 9));
  });

  it('are drawn with a seed, each level as often as any other and each factor for itself', () => {
    const simulator = sprites({ levels: small });
    const rows = simulator.drawFactors(3000, createRng(1));
    expect(rows).toEqual(simulator.drawFactors(3000, createRng(1)));
    expect(rows).not.toEqual(simulator.drawFactors(3000, createRng(2)));
    simulator.factorSizes.forEach((levels, k) => {
      for (let level = 0; level < levels; level++) {
        const share = rows.filter((row) => row[k] === level).length / 3000;
        expect(Math.abs(share - 1 / levels)).toBeLessThan(0.04);
      }
    });
    const both = rows.filter((row) => row[0] === 1 && row[1] === 1).length / 3000;
    expect(Math.abs(both - 1 / 9)).toBeLessThan(0.03);
  });
});

describe('images', () => {
  const simulator = sprites({ size: 48, levels: small });

  it('cover the area of the shape, wherever it is and however it is turned: the square of the scale', async () => {
    // In parts of the square of the farthest corner's distance from the centroid. Of the triangle: legs from the apex to the base; the
    // centroid is 2/3 of the height from the apex. Of the L: bars of 1.5 x 4 and 2 x 1.5, and the upper left corner.
    const height = 3.2;
    const [x, y] = [(6 * 0.75 + 3 * 2.5) / 9, (6 * 2 + 3 * 3.25) / 9];
    const areas = [heartArea(), (2.8 * height) / 2 / ((2 / 3) * height) ** 2, 9 / (x ** 2 + y ** 2)];
    for (const [shape, area] of areas.entries()) {
      const rows = [0, 1, 2].flatMap((scale) => [0, 1, 2, 3].map((turn) => [shape, scale, turn, turn, turn % 3]));
      (await look(simulator, rows)).forEach(({ mass }, n) => {
        const reach = 12 * (0.5 + ((rows[n] as number[])[1] as number) / 4);
        expect(mass).toBeCloseTo(area * reach ** 2, 3);
      });
    }
  });

  it('have the centre of mass where x and y say', async () => {
    const rows = [0, 1, 2].flatMap((shape) => [0, 1, 2, 3].map((turn) => [shape, 1, turn, turn + 1, turn % 3]));
    (await look(simulator, rows)).forEach(({ x, y }, n) => {
      const [, , , column, row] = rows[n] as [number, number, number, number, number];
      expect(Math.abs(x - (12 + 6 * column))).toBeLessThan(0.02);
      expect(Math.abs(y - (12 + 12 * row))).toBeLessThan(0.02);
    });
  });

  it('are turned clockwise by a quarter: (u, v) goes to (-v, u)', async () => {
    const [before, after] = await look(simulator, [
      [2, 2, 0, 2, 1],
      [2, 2, 1, 2, 1],
    ]);
    for (let row = 0; row < 48; row++) {
      for (let column = 0; column < 48; column++) {
        expect(after?.image[column * 48 + 47 - row]).toBeCloseTo(before?.image[row * 48 + column] as number, 5);
      }
    }
  });

  it('look upright: the heart points down, the triangle up, the L has its foot at the lower right', async () => {
    const [heart, triangle, ell] = (await look(simulator, [
      [0, 2, 0, 2, 1],
      [1, 2, 0, 2, 1],
      [2, 2, 0, 2, 1],
    ])) as [Look, Look, Look];
    const extent = (image: ArrayLike<number>, row: number) =>
      Array.from({ length: 48 }, (_, x) => image[row * 48 + x] as number).reduce((total, value) => total + value, 0);
    expect(extent(heart.image, 18)).toBeGreaterThan(2 * extent(heart.image, 32));
    expect(extent(triangle.image, 28)).toBeGreaterThan(2 * extent(triangle.image, 16));
    expect(extent(ell.image, 30)).toBeGreaterThan(1.5 * extent(ell.image, 18));
    // The stroke of the L is at its left.
    const first = Array.from({ length: 48 }, (_, x) => ell.image[18 * 48 + x] as number).findIndex((value) => value > 0.5);
    const below = Array.from({ length: 48 }, (_, x) => ell.image[30 * 48 + x] as number).findIndex((value) => value > 0.5);
    expect(first).toBe(below);
  });

  it('are all different, inside the image, and antialiased', async () => {
    const tiny = sprites({ size: 24, levels: { scale: 2, rotation: 4, x: 2, y: 2 }, radius: 0.3 });
    const found = await look(
      tiny,
      tiny.factorGrid().map((row) => [...row]),
    );
    expect(new Set(found.map(({ image }) => image.join())).size).toBe(tiny.gridSize);
    for (const { image } of found) {
      expect(Math.min(...image)).toBe(0);
      expect(Math.max(...image)).toBeLessThanOrEqual(1);
      expect(image.some((value) => value > 0.1 && value < 0.9)).toBe(true);
    }
  });

  it('reach just to the border at the first and last places', async () => {
    const wide = sprites({ size: 30, shapes: ['triangle'], levels: { scale: 2, rotation: 4, x: 2, y: 2 }, radius: 0.4 });
    // The apex is the farthest corner: it points up.
    const [up, down] = await look(wide, [
      [1, 0, 0, 0],
      [1, 2, 1, 1],
    ]);
    expect(Math.max(...(up?.image.slice(0, 30) as Float32Array))).toBeGreaterThan(0.1);
    expect(Math.max(...(down?.image.slice(870) as Float32Array))).toBeGreaterThan(0.1);
  });
});

describe('w', () => {
  it('is none unless asked for', () => {
    expect(sprites().drawNuisance(3)).toBeUndefined();
    expect('nuisance' in sprites().sample(1, createRng(0))).toBe(false);
  });

  it('is a background and a foreground at least 1/2 brighter, with a seed', () => {
    const simulator = sprites({ shading: true });
    const rows = simulator.drawNuisance(2000, createRng(0)) as Float32Array[];
    expect(rows).toEqual(simulator.drawNuisance(2000, createRng(0)));
    const means = [0, 1].map((k) => rows.reduce((total, row) => total + (row[k] as number) / 2000, 0));
    expect(means[0]).toBeCloseTo(1 / 4, 1);
    // E (b + 1/2 + 1) / 2.
    expect(means[1]).toBeCloseTo(7 / 8, 1);
    for (const [background, foreground] of rows as unknown as [number, number][]) {
      expect(background > 0 && background < 0.5 && foreground > background + 0.4999 && foreground <= 1).toBe(true);
    }
    const spread = Math.max(...rows.map(([b, f]) => (f as number) - (b as number)));
    expect(spread).toBeGreaterThan(0.9);
  });

  it('takes two words a row, and the middle of what each stands for', () => {
    const simulator = sprites({ shading: true });
    const rng = createRng(0);
    simulator.drawNuisance(200, rng);
    expect(rng.save().counter).toBe(100);
    const [lowest] = simulator.drawNuisance(1, { ...rng, bits: () => Uint32Array.of(0, 0) }) as [Float32Array];
    expect(lowest[0]! * 2 ** 34).toBeCloseTo(1, 6);
    const [highest] = simulator.drawNuisance(1, { ...rng, bits: () => Uint32Array.of(0, 2 ** 32 - 1) }) as [Float32Array];
    expect([...highest]).toEqual([lowest[0], 1]);
  });

  it('is what the pixels go between', async () => {
    const simulator = sprites({ size: 16, levels: small });
    const row = [0, 2, 1, 2, 1];
    const [plain, shaded] = await Promise.all([
      simulator.render([row]).data(),
      simulator
        .render(
          [row, row],
          [
            [0, 0.5],
            [0.25, 0.75],
          ],
        )
        .data(),
    ]);
    plain.forEach((covered, i) => {
      expect(shaded[i]).toBeCloseTo(covered / 2, 6);
      expect(shaded[256 + i]).toBeCloseTo(0.25 + covered / 2, 6);
    });
  });
});

describe('samples and batches', () => {
  const simulator = sprites({ size: 8, levels: small, shading: true });

  it('a sample is the images of its factors and w', async () => {
    const { images, factors, nuisance } = simulator.sample(6, createRng(3));
    expect(images.shape).toEqual([6, 8, 8, 1]);
    expect(await images.data()).toEqual(await simulator.render(factors, nuisance).data());
    expect(factors).toHaveLength(6);
    expect(await simulator.sample(6, createRng(3)).images.data()).toEqual(await images.data());
  });

  it('batches are fresh ones, of 64 unless said', async () => {
    const source = simulator.batches({ batches: 2 });
    const [first, second, ...more] = [...source({ rng: createRng(0) })] as [tf.Tensor, tf.Tensor];
    expect([first.shape, second.shape, more]).toEqual([[64, 8, 8, 1], [64, 8, 8, 1], []]);
    expect(await first.data()).not.toEqual(await second.data());
    const [again] = [...simulator.batches({ batches: 1, batchSize: 3 })({ rng: createRng(0) })] as [tf.Tensor];
    expect(again.shape).toEqual([3, 8, 8, 1]);
  });

  it('leaves nothing but the images', async () => {
    await expectNoLeak(() => simulator.sample(2, createRng(0)).images);
  });
});

const one = { levels: { scale: 2, rotation: 1, x: 1, y: 1 }, shapes: ['ell' as const] };
it.each([
  [
    'an unknown option',
    () => sprites({ width: 3 } as never),
    "sprites: unknown option 'width'; the options are size, shapes, levels, radius, shading.",
  ],
  ['size 0', () => sprites({ size: 0 }), 'sprites: options.size should be a positive integer, but got 0.'],
  [
    'no shapes',
    () => sprites({ shapes: [] }),
    'sprites: options.shapes should be different ones of heart, triangle, ell, but got [].',
  ],
  [
    'an unknown shape',
    () => sprites({ shapes: ['toString' as never] }),
    'different ones of heart, triangle, ell, but got ["toString"].',
  ],
  ['one shape unknown of two', () => sprites({ shapes: ['ell', 'round' as never] }), 'but got ["ell","round"].'],
  ['a list in the list', () => sprites({ shapes: [['ell'] as never] }), 'but got [["ell"]].'],
  ['a shape twice', () => sprites({ shapes: ['ell', 'ell'] }), 'different ones of heart, triangle, ell, but got ["ell","ell"].'],
  ['a shape that is no name', () => sprites({ shapes: [3 as never] }), 'different ones of heart, triangle, ell, but got [3].'],
  [
    'shapes that are no list',
    () => sprites({ shapes: 'ell' as never }),
    "different ones of heart, triangle, ell, but got 'ell'.",
  ],
  [
    'an unknown level',
    () => sprites({ levels: { z: 3 } as never }),
    "sprites: options.levels: unknown option 'z'; the options are scale, rotation, x, y.",
  ],
  ['no levels', () => sprites({ levels: { x: 0 } }), 'sprites: options.levels.x should be a positive integer, but got 0.'],
  [
    'no factor',
    () => sprites({ ...one, levels: { ...one.levels, scale: 1 } }),
    'sprites: options.levels should be two levels at least for one of the factors',
  ],
  [
    'radius 0',
    () => sprites({ radius: 0 }),
    'sprites: options.radius should be a finite number above 0 and at most 0.5, but got 0.',
  ],
  [
    'radius 0.6',
    () => sprites({ radius: 0.6 }),
    'sprites: options.radius should be a finite number above 0 and at most 0.5, but got 0.6.',
  ],
  ['shading', () => sprites({ shading: 1 as never }), 'sprites: options.shading should be true or false, but got 1.'],
  ['no rows', () => sprites(one).render([]), 'sprites.render: v should be rows of 1 levels, but got [].'],
  ['no list of rows', () => sprites(one).render(3 as never), 'sprites.render: v should be rows of 1 levels, but got 3.'],
  ['a long row', () => sprites(one).render([[0], [1, 1]]), 'sprites.render: v[1] should be a row of 1 levels, but got [1,1].'],
  [
    'a row that is none',
    () => sprites(one).render([null as never]),
    'sprites.render: v[0] should be a row of 1 levels, but got null.',
  ],
  ['a level too high', () => sprites(one).render([[2]]), 'sprites.render: v[0][0] should be an integer from 0 to 1, but got 2.'],
  ['a level below 0', () => sprites(one).render([[-1]]), 'sprites.render: v[0][0] should be an integer from 0 to 1, but got -1.'],
  ['a fraction', () => sprites(one).render([[0.5]]), 'sprites.render: v[0][0] should be an integer from 0 to 1, but got 0.5.'],
  [
    'too few w',
    () => sprites(one).render([[0], [1]], [[0, 1]]),
    'sprites.render: w should be 2 rows [background, foreground], as many as v has, but got [[0,1]].',
  ],
  [
    'a short w',
    () => sprites(one).render([[0]], [[1]]),
    'sprites.render: w[0] should be a row [background, foreground], but got [1].',
  ],
  [
    'w that is none',
    () => sprites(one).render([[0]], [null as never]),
    'sprites.render: w[0] should be a row [background, foreground], but got null.',
  ],
  [
    'w above 1',
    () => sprites(one).render([[0]], [[0, 2]]),
    'sprites.render: w[0][1] should be a finite number at least 0 and at most 1, but got 2.',
  ],
  [
    'w below 0',
    () => sprites(one).render([[0]], [[-1, 0]]),
    'sprites.render: w[0][0] should be a finite number at least 0 and at most 1, but got -1.',
  ],
  ['no draws', () => sprites(one).drawFactors(0), 'sprites.drawFactors: count should be a positive integer, but got 0.'],
  ['no draws of w', () => sprites(one).drawNuisance(0), 'sprites.drawNuisance: count should be a positive integer, but got 0.'],
  [
    'draws by what is no generator',
    () => sprites(one).drawFactors(1, 3 as never),
    'sprites.drawFactors: options.rng should be a generator that createRng made, but got 3.',
  ],
  [
    'draws of w by what is no generator',
    () => sprites(one).drawNuisance(1, 3 as never),
    'sprites.drawNuisance: options.rng should be a generator that createRng made, but got 3.',
  ],
  [
    'a start below 0',
    () => sprites(one).factorGrid(-1),
    'sprites.factorGrid: start should be an integer of at least 0, but got -1.',
  ],
  [
    'an end at the start',
    () => sprites(one).factorGrid(1, 1),
    'sprites.factorGrid: end should be an integer of at least 2, but got 1.',
  ],
  [
    'an end beyond the grid',
    () => sprites(one).factorGrid(0, 3),
    'sprites.factorGrid: end should be at most 2, the size of the grid, but got 3.',
  ],
  [
    'no batches',
    () => sprites(one).batches({ batches: 0 }),
    'sprites.batches: options.batches should be a positive integer, but got 0.',
  ],
  [
    'empty batches',
    () => sprites(one).batches({ batches: 1, batchSize: 0 }),
    'sprites.batches: options.batchSize should be a positive integer, but got 0.',
  ],
  [
    'an unknown option of batches',
    () => sprites(one).batches({ count: 1 } as never),
    "sprites.batches: unknown option 'count'; the options are batches, batchSize.",
  ],
])('refuses %s', (_, make, message) => {
  expect(make).toThrow(message);
});

it('renders single factors', () => {
  expect(tf.sum(sprites(one).render([[0], [1]])).dataSync()[0]).toBeGreaterThan(1);
});
