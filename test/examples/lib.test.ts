// What the examples share: real digits, pictures that can be read back, progress for terminals and logs.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { createRng } from 'tfjs-flows';
import { describe, expect, it } from 'vitest';
import { binarise, crop, firstDigits, loadMnist, shrink } from '../../examples/lib/mnist.js';
import { beside, blank, caption, heatMap, scatter, tiles } from '../../examples/lib/picture.js';
import { writePng } from '../../examples/lib/png.js';
import { clock, createProgress } from '../../examples/lib/progress.js';

describe('loadMnist', () => {
  it('reads all digits, in the published order', () => {
    const train = loadMnist('train');
    const test = loadMnist('test');
    expect([train.count, train.size, train.labels.length, test.count, test.pixels.length]).toEqual([
      60000, 28, 60000, 10000, 7840000,
    ]);
    expect(Array.from(train.labels.subarray(0, 8))).toEqual([5, 0, 4, 1, 9, 2, 1, 3]);
    expect(Array.from(test.labels.subarray(0, 8))).toEqual([7, 2, 1, 0, 4, 1, 4, 9]);
    const mean = train.pixels.reduce((sum, ink) => sum + ink, 0) / train.pixels.length;
    expect(mean).toBeCloseTo(33.318, 2);
  });

  it('binarises at one half, or by seed with the ink as probability', () => {
    const digits = firstDigits(loadMnist('test'), 50);
    const hard = binarise(digits);
    expect(hard.every((value, i) => value === ((digits.pixels[i] as number) >= 128 ? 1 : 0))).toBe(true);
    const drawn = binarise(digits, createRng(1));
    expect(drawn).toEqual(binarise(digits, createRng(1)));
    const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum(drawn) - sum(digits.pixels) / 255) / sum(drawn)).toBeLessThan(0.02);
  });

  it('crops a margin', () => {
    const pixels = Uint8Array.from({ length: 32 }, (_, i) => i);
    const middle = crop({ count: 2, size: 4, pixels, labels: Uint8Array.of(1, 2) }, 1);
    expect([middle.size, ...middle.pixels]).toEqual([2, 5, 6, 9, 10, 21, 22, 25, 26]);
  });

  it('shrinks by rounded means', () => {
    const pixels = Uint8Array.of(0, 1, 10, 20, 2, 4, 30, 40, 255, 255, 0, 0, 255, 255, 0, 2);
    const small = shrink({ count: 1, size: 4, pixels, labels: Uint8Array.of(3) }, 2);
    expect([small.size, ...small.pixels]).toEqual([2, 2, 25, 255, 1]);
  });
});

describe('pictures', () => {
  it('are written as PNG, pixel by pixel', () => {
    const folder = mkdtempSync(join(tmpdir(), 'picture-'));
    const picture = caption('ab 1', beside([tiles([0, 1, 0.5, 0], { size: 2, columns: 1 }), heatMap([0, 1, 2, 3], 2, 3)]));
    const path = join(folder, 'deeper', 'picture.png');
    writePng(path, picture);
    const read = decode(readFileSync(path));
    rmSync(folder, { recursive: true });
    expect([read.width, read.height, read.channels]).toEqual([picture.width, picture.height, 3]);
    expect(Array.from(read.data)).toEqual(Array.from(picture.rgb));
  });

  it('show ink dark, the greatest value bright, and points where they are', () => {
    const at = ({ width, rgb }: { width: number; rgb: Uint8Array }, x: number, y: number): number[] =>
      Array.from(rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3));
    const grid = tiles([0, 1, 0.5, 0], { size: 2, columns: 1, scale: 1 });
    expect([at(grid, 2, 2), at(grid, 3, 2), at(grid, 2, 3)]).toEqual([
      [255, 255, 255],
      [0, 0, 0],
      [128, 128, 128],
    ]);
    const heat = heatMap([0, 1, 2, 4], 2);
    expect([at(heat, 0, 0), at(heat, 0, 1), at(heat, 1, 1)]).toEqual([
      [68, 1, 84],
      [33, 144, 141],
      [253, 231, 37],
    ]);
    const points = scatter([0.5, 1], { size: 101, range: [-1, 1] });
    expect([at(points, 75, 0), at(points, 75, 100), at(points, 50, 10)]).toEqual([
      [40, 40, 40],
      [255, 255, 255],
      [225, 225, 225],
    ]);
    expect(at(blank(1, 1), 0, 0)).toEqual([255, 255, 255]);
  });
});

describe('createProgress', () => {
  const run = (isTTY: boolean): string[] => {
    const written: string[] = [];
    const progress = createProgress(200, { isTTY, columns: 60, write: (text: string) => written.push(text) });
    for (let step = 1; step <= 200; step++) {
      progress.update(step, { elbo: (-step).toFixed(1) }, 200 - step);
    }
    progress.end();
    return written;
  };

  it('redraws one line on a terminal', () => {
    const written = run(true);
    expect(written.length).toBe(201);
    expect(written[99]).toBe(`\r[${'#'.repeat(12)}${'.'.repeat(12)}] 100/200  elbo -100.0  1:40 left\u001b[K`);
    expect(written[200]).toBe('\n');
  });

  it('writes twenty-one lines elsewhere, the first and the last step among them', () => {
    const written = run(false);
    expect(written.length).toBe(21);
    expect([written[0], written[1], written[20]]).toEqual([
      '  1/200  elbo -1.0  3:19 left\n',
      ' 10/200  elbo -10.0  3:10 left\n',
      '200/200  elbo -200.0  0:00 left\n',
    ]);
  });

  it('counts minutes', () => {
    expect([clock(0), clock(59.6), clock(605)]).toEqual(['0:00', '1:00', '10:05']);
  });
});
