// How the cost of this library grows: with the size D of an event, the layers K, the batch B of a training step of affine couplings, and
// with the number N of posteriors in ELBO surgery. Draws bench/growth.svg: `npm run bench:growth`, or `-- cpu` for another backend.
import { writeFileSync } from 'node:fs';
import { useBackend } from 'tfjs-flows/backends';
import type { Prepared } from './contract.js';
import { measure } from './measure.js';
import { affineCouplings } from './workloads/coupling.js';
import { surgery } from './workloads/surgery.js';

interface Panel {
  readonly title: string;
  readonly sizes: readonly number[];
  /** Of the size, in the cost that is expected. */
  readonly power: number;
  make(size: number): Prepared;
}

const middle = { dim: 64, rows: 128, layers: 8, hidden: 256 };
const PANELS: readonly Panel[] = [
  {
    title: 'D, size of an event',
    sizes: [4, 8, 16, 32, 64, 128, 256, 512],
    power: 1,
    make: (dim) => affineCouplings({ ...middle, dim }),
  },
  { title: 'K, layers', sizes: [1, 2, 4, 8, 16, 32], power: 1, make: (layers) => affineCouplings({ ...middle, layers }) },
  {
    title: 'B, batch',
    sizes: [8, 16, 32, 64, 128, 256, 512, 1024],
    power: 1,
    make: (rows) => affineCouplings({ ...middle, rows }),
  },
  { title: 'N, posteriors in ELBO surgery', sizes: [250, 500, 1000, 2000, 4000, 8000], power: 2, make: surgery },
];

const backend = process.argv[2] ?? 'wasm';
await useBackend([backend], { production: true });
const curves: { title: string; power: number; points: [size: number, ms: number][] }[] = [];
for (const { title, sizes, power, make } of PANELS) {
  const points: [number, number][] = [];
  for (const size of sizes) {
    const work = make(size);
    const patience = { warmUp: 3, seconds: 1, leastRuns: 5, mostRuns: 500, mostSeconds: 5, fewRuns: 2 };
    const { median } = await measure(work.step, patience);
    work.dispose();
    points.push([size, median]);
    console.log(`${title} = ${size}: ${median.toFixed(2)} ms`);
  }
  curves.push({ title, power, points });
}
writeFileSync('bench/growth.svg', draw());

/** Panels side by side, both axes logarithmic; the dashed line grows in proportion, with N as N^2. */
function draw(): string {
  const [width, height, margin] = [240, 200, 40];
  const panels = curves.map(({ title, power, points }, i) => {
    const [sizes, times] = [points.map(([size]) => size), points.map(([, ms]) => ms)];
    const scale = (values: readonly number[], length: number) => {
      const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
      return (value: number): number => (length * (Math.log(value) - low)) / (high - low || 1);
    };
    const [first, last] = [points[0], points.at(-1)] as [[number, number], [number, number]];
    const expected = last[1] * (first[0] / last[0]) ** power;
    const x = scale(sizes, width - 20);
    const y = scale([...times, expected], height);
    const at = ([size, ms]: readonly [number, number]): string => `${x(size).toFixed(1)},${(height - y(ms)).toFixed(1)}`;
    const ticks = points.flatMap(([size, ms]) => [
      `<text x="${x(size).toFixed(1)}" y="${height + 14}" text-anchor="middle">${size}</text>`,
      `<circle cx="${x(size).toFixed(1)}" cy="${(height - y(ms)).toFixed(1)}" r="2.5" fill="#0b6e99"/>`,
    ]);
    const labels = [first, last].map(
      ([size, ms]) =>
        `<text x="${x(size).toFixed(1)}" y="${(height - y(ms) - 7).toFixed(1)}" text-anchor="middle">${label(ms)}</text>`,
    );
    return [
      `<g transform="translate(${margin + i * (width + 20)},${margin})">`,
      `<path d="M0,${height}H${width - 20}" stroke="#999"/>`,
      `<polyline points="${at([first[0], expected])} ${at(last)}" fill="none" stroke="#bbb" stroke-dasharray="4 3"/>`,
      `<polyline points="${points.map(at).join(' ')}" fill="none" stroke="#0b6e99" stroke-width="1.5"/>`,
      ...ticks,
      ...labels,
      `<text x="${width / 2 - 10}" y="${height + 34}" text-anchor="middle" font-size="12">${title}</text>`,
      '</g>',
    ].join('\n');
  });
  const [w, h] = [margin * 2 + curves.length * (width + 20), height + margin + 50];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="sans-serif" font-size="10" fill="#333">`,
    '<title>What a step costs as sizes grow</title>',
    `<rect width="${w}" height="${h}" fill="#fff"/>`,
    `<text x="${margin}" y="18" font-size="12">ms a step on ${backend}; dashed: in proportion (to N^2 with N). D = 64, K = 8, B = 128, hidden layers of 256 where not said</text>`,
    ...panels,
    '</svg>\n',
  ].join('\n');
}

function label(ms: number): string {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms >= 100 ? Math.round(ms) : ms.toPrecision(2)} ms`;
}
