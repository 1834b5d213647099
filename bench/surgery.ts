// What exact surgery costs: N Gaussian posteriors in D dimensions, every draw under every one of them. Prints the processor's time
// and by how much the process grew at most, and fails where that is more than it may be.
//
//   npm run bench:surgery
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import type { LatentVariableModel } from 'tfjs-flows';
import { createRng, diagNormal, elboSurgery, standardNormal, totalCorrelation } from 'tfjs-flows';

const { values } = parseArgs({
  options: {
    posteriors: { type: 'string', default: '10000' },
    dimensions: { type: 'string', default: '32' },
    megabytes: { type: 'string', default: '300' },
  },
});
const [count, dim, most] = [values.posteriors, values.dimensions, values.megabytes].map(Number) as [number, number, number];

/** The code is x within a scale that is its own for each data point and element, x = code + noise. */
const modelOf = (share: number): LatentVariableModel => ({
  prior: standardNormal({ eventShape: [dim] }),
  posterior: (x) =>
    diagNormal({ mean: tf.mul(x, share), scale: tf.mul(tf.add(tf.mul(tf.sin(x), 0.2), 1), Math.sqrt(1 - share ** 2)) }),
  likelihood: (z) => diagNormal({ mean: z, scale: 0.5 }),
});

await tf.setBackend('cpu');
const cases = [
  { name: 'elboSurgery, codes that tell x', share: 0.9, n: count, run: elboSurgery },
  { name: 'elboSurgery, codes that tell little', share: 0.1, n: count, run: elboSurgery },
  { name: 'totalCorrelation, codes that tell x', share: 0.9, n: Math.ceil(count / 10), run: totalCorrelation },
];
let failed = false;
for (const { name, share, n, run } of cases) {
  const data = createRng(0).normal([n, dim]);
  const before = process.memoryUsage().rss;
  const started = process.cpuUsage();
  let peak = before;
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage().rss);
  };
  const timer = setInterval(look, 10);
  const report = await run({ model: modelOf(share), data, rng: createRng(1), onProgress: look });
  clearInterval(timer);
  look();
  const { user, system } = process.cpuUsage(started);
  const seconds = (user + system) / 1e6;
  const grown = (peak - before) / 1e6;
  failed ||= grown > most;
  console.log(
    `${name}: ${n} posteriors in ${dim} dimensions, ${seconds.toFixed(1)} s of CPU, at most ${grown.toFixed(0)} MB more;`,
    `I = ${report.mutualInformation.toFixed(4)}, KL(q(z) || p(z)) = ${report.marginalKl.toFixed(4)}`,
  );
  data.dispose();
}
if (failed) {
  console.error(`The process grew by more than ${most} MB.`);
  process.exit(1);
}
