// Times of the workloads P1 ... P10: `npm run bench` for this library on every backend that works in Node, `npm run bench -- --peers`
// for what one would pick instead as well, in turn. --help lists the options, and this folder's README tells what the workloads are.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { Contestant } from './contestants.js';
import { ours, peers } from './contestants.js';
import type { Record } from './records.js';
import { report } from './report.js';

const HELP = `npm run bench -- [options]
  --only P4,P5         these workloads alone
  --backends wasm,cpu  of this library (default: wasm, cpu and webgpu, where Dawn finds a driver); wasm-threads is wasm with two
                       threads; webgl and webgpu-chromium run in Chromium. VK_ICD_FILENAMES may name a software driver for Dawn, and Chromium brings one: their times
                       mean nothing, but kernels are counted
  --peers              TensorFlow.js composed by hand, jax-js and PyTorch beside it
  --rounds 3           processes of each, in turn (default 1, with --peers 3)
  --seconds 4          of measurement for each workload in each process
  --brief              a few steps of each, only to see that it works
  --profile            the costly kernels of a step
  --json               the measurements, a line each, instead of tables
  --write              tables into bench/RESULTS.md
  --output FILE        another file for them`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    backends: { type: 'string', default: 'wasm,cpu,webgpu' },
    peers: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    brief: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    output: { type: 'string', default: 'bench/RESULTS.md' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const note = (line: string): void => console.error(line);
const NAMES = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10'];
const wanted = values.only === '' ? NAMES : values.only.split(',');
const unknown = wanted.filter((name) => !NAMES.includes(name));
if (unknown.length > 0) {
  note(`there is no workload ${unknown.join(', ')}`);
  process.exit(2);
}
// Turns are short, since the machine's other work comes and goes, and so is a process's memory that of a workload.
const turns = values.brief ? [wanted.join(',')] : wanted;
const settings = [...(values.brief ? ['--brief'] : []), ...(values.seconds === undefined ? [] : ['--seconds', values.seconds])];
const rounds = Number(values.rounds ?? (values.peers && !values.brief ? 3 : 1));

const backends = values.backends.split(',');
const contestants: Contestant[] = backends.map(ours);
if (values.peers) {
  const found = peers(backends);
  contestants.push(...found.contestants);
  for (const absence of found.absences) {
    note(`not run: ${absence}`);
  }
}

const records: Record[] = [];
/** Those that turned out not to work here. */
const absent = new Set<string>();
let failed = false;
for (let round = 1; round <= rounds; round++) {
  for (const turn of turns) {
    for (const contestant of contestants) {
      await run(contestant, ['--only', turn, ...settings]);
    }
  }
  for (const contestant of contestants.filter(({ hasLimits }) => hasLimits)) {
    await run(contestant, ['--limits', ...settings]);
  }
}

if (values.json) {
  console.log(records.map((record) => JSON.stringify(record)).join('\n'));
} else {
  const text = report(records, { withProfile: values.profile });
  console.log(text);
  if (values.write) {
    writeFileSync(values.output, text);
  }
}
process.exit(failed ? 1 : 0);

/** One process of an implementation; what it prints goes into `records`. */
async function run({ name, command, environment, isOptional }: Contestant, orders: readonly string[]): Promise<void> {
  if (absent.has(name)) {
    return;
  }
  const [program, ...args] = command as [string, ...string[]];
  const child = spawn(program, [...args, ...orders], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const complaints: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
    child.on('error', (error) => {
      complaints.push(error.message);
      resolve(null);
    });
  });
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) {
      continue;
    }
    const record = JSON.parse(line) as Record;
    records.push(record);
    count += 1;
    if (record.kind === 'workload') {
      note(`${record.implementation} ${record.workload}: ${record.median.toFixed(2)} ms; ${record.checks}`);
      failed ||= !record.isRight;
    } else if (record.kind === 'failure') {
      note(`${record.implementation} ${record.workload} FAILED: ${record.reason}`);
      failed = true;
    }
  }
  const status = await ended;
  if (status !== 0 && count === 0 && isOptional) {
    absent.add(name);
    const from = complaints.findIndex((line) => /Error:/.test(line));
    note(`not run: ${name}: ${complaints.slice(from, from + 2).join(' ')}`);
  } else if (status !== 0) {
    note(`${name} ended with ${status}:\n${complaints.slice(-20).join('\n')}`);
    failed = true;
  }
}
