// Writes docs/float32.md: how far float32 takes every bijector of the conformance table from float64, on every backend setting.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVitest } from 'vitest/node';
import { chromiumProblem, dawnProblem } from './machine.mjs';

const TITLES = {
  forward: 'There and back: x, y = forward(x), inverse(y)',
  inverse: 'Back and there: y, x = inverse(y), forward(x)',
};
const TEXT = `
# Errors in float32

What float32 costs every bijector of the conformance table (\`test/conformance/bijectors.ts\`) at parameters drawn from N(0, 1) and
inputs up to 30 in size, on every backend setting. \`npm run errors\` measures it anew and writes this page. Each line has two draws of
its parameters, and for each 61 inputs, evenly spread over [-30, 30], or over as much of it as the map is defined on; the elements of an
event take them in different orders. All errors are |a - b| / (1 + |b|), the largest one stands in the table.

- **A backend's column** is the round trip: what comes back against the input that went in.
- **log-det** is the log-det of the first of the two maps against the same in float64.
- **at best** is a round trip in float64, in which only the number between the two maps is rounded to float32. Where the map is flat, or
  shrinks one direction much more than another, that number does not tell which input it came from: no inverse could do better. So a
  large error beside an equally large one at best is the map's, not the inverse's. A backend can be luckier than that, since its own
  intermediate number is another one. *n% none*: so many of the inputs end at the very end of an interval (a sigmoid is 1 beyond
  17), or beyond the largest number; no finite input is to be found there, and they are left out. *∞*, or the 4 of tanh: the backend's own
  number, one rounding away, is such an end where float64's was not; the logarithm of 0 is not infinite on every GPU.
- A *continuousFlow* goes back by the integrator that it came by: what the steps leave, in float64 too, is part of its at best.

The float64 numbers come from the same code, on the cpu backend with Float64Array in place of Float32Array.
`;
const root = fileURLToPath(new URL('..', import.meta.url));
const browserProblem = chromiumProblem();
const settings = [
  { project: 'float64' },
  { project: 'cpu' },
  { project: 'wasm' },
  { project: 'webgpu-node', problem: dawnProblem() },
  { project: 'webgl', problem: browserProblem },
  { project: 'webgpu', problem: browserProblem },
];
/** Settings by name, for a look at some of them: the page is written only where all are run. */
const named = process.argv.slice(2);
const chosen = settings.filter(({ project }) => named.length === 0 || project === 'float64' || named.includes(project));
const missing = chosen.filter(({ problem }) => problem !== undefined);
if (missing.length > 0) {
  missing.forEach(({ project, problem }) => console.error(`${project}: ${problem}`));
  process.exit(1);
}

const started = performance.now();
const measured = new Map();
for (const { project } of chosen) {
  const begun = performance.now();
  measured.set(project, await measure(project));
  console.error(`${project.padEnd(12)} ${((performance.now() - begun) / 1000).toFixed(0)} s`);
}
const reference = measured.get('float64');
const backends = [...measured.keys()].filter((project) => project !== 'float64');
const page = describe();
if (named.length === 0) {
  writeFileSync(join(root, 'docs/float32.md'), page);
} else {
  console.log(page);
}
console.error(`${((performance.now() - started) / 1000).toFixed(0)} s in all`);
process.exit(0);

/** The numbers of one setting: by direction, by line of the table. */
async function measure(project) {
  const options = { config: join(root, 'vitest.float32.config.ts'), project: [project], watch: false, reporters: [{}] };
  const vitest = await createVitest('test', { ...options, onConsoleLog: () => false });
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(await vitest.globTestSpecifications());
  const found = { forward: new Map(), inverse: new Map() };
  for (const test of testModules.flatMap((module) => [...module.children.allTests()])) {
    if (test.result().state !== 'passed') {
      throw new Error(`${project}, ${test.fullName}: ${test.result().errors?.[0]?.message}`);
    }
    const { name, direction, numbers } = test.meta().measured;
    const lists = Object.entries(numbers).map(([key, text]) => [key, text.split(',').map(Number)]);
    found[direction].set(name, Object.fromEntries(lists));
  }
  const problem = unhandledErrors[0] ?? testModules.flatMap((module) => module.errors())[0];
  await vitest.close();
  if (problem !== undefined || found.forward.size === 0) {
    throw new Error(`${project}: ${problem?.message ?? 'nothing was measured'}`);
  }
  return found;
}

function describe() {
  const tables = ['forward', 'inverse'].map((direction) => `## ${TITLES[direction]}\n\n${table(direction)}\n`);
  return `${TEXT.trim()}\n\n${tables.join('\n')}`;
}

function table(direction) {
  const rows = [...reference[direction]].map(([name, exact]) => {
    const cells = backends.flatMap((project) => {
      const { back, logDet } = measured.get(project)[direction].get(name);
      return [largestError(back, exact.x, exact.back), largestError(logDet, exact.logDet, exact.logDet)].map(text);
    });
    const lost = exact.back.filter((value) => !Number.isFinite(value)).length / exact.back.length;
    const best = text(largestError(exact.back, exact.x, exact.back));
    return [name, lost === 0 ? best : `${best}, ${Math.round(100 * lost)}% none`, ...cells];
  });
  const columns = ['at best', ...backends.flatMap((project) => [project, 'log-det'])];
  const lines = [['bijector', ...columns], ['---', ...columns.map(() => '--:')], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The largest |a - b| / (1 + |b|) over those places where `judge` is finite; infinite where a number is none. */
function largestError(a, b, judge) {
  const errors = b.map((value, i) => (a[i] === value ? 0 : Math.abs(a[i] - value) / (1 + Math.abs(value))));
  const judged = errors.filter((_, i) => Number.isFinite(judge[i]));
  return judged.reduce((worst, error) => (error <= worst ? worst : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error), 0);
}

function text(error) {
  return error === Number.POSITIVE_INFINITY ? '∞' : error === 0 ? '0' : error.toExponential(0);
}
