import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { THREADED } from './contestants.js';
import type { LimitRecord, Record, WorkloadRecord } from './records.js';
import { NEEDS, roofline } from './roofline.js';

const TITLES: Readonly<{ [workload: string]: string }> = {
  P1: 'planar x 16, reverse KL, D = 2, B = 256',
  P2: 'planar x 16, reverse KL, D = 32, B = 128',
  P3: 'affine coupling x 8, D = 2, networks 1-64-64-2, B = 512',
  P4: 'affine coupling x 8, D = 64, networks 32-256-256-64, B = 128',
  P5: 'MAF x 4, D = 32, networks 32-320-320-64, B = 128',
  P6: 'coupling of mixtures of 8 logistics x 4, D = 64, networks 32-256-256-768, B = 128',
  P7: 'VAE 784-300-300-40 with 4 IAF steps, binary MNIST, B = 100',
  P8: 'ELBO surgery of 10,000 posteriors, D = 32',
  P9: 'quantiles of 128 x 768 mixtures of 8 logistics',
  P10: 'spline coupling x 8, D = 2, 8 bins, networks 1-64-64-23, B = 512',
};

/** The best of an implementation's processes at a workload. */
interface Best {
  readonly record: WorkloadRecord;
  /** Worst median over best median. */
  readonly spread: number;
}

/** Tables of what was measured, in Markdown. */
export function report(records: readonly Record[], { withProfile }: { withProfile: boolean }): string {
  const measured = records.filter((record) => record.kind === 'workload');
  const limits = records.filter((record) => record.kind === 'limit');
  const workloads = Object.keys(TITLES).filter((name) => measured.some(({ workload }) => workload === name));
  const best = (implementation: RegExp, workload: string): Best | undefined => {
    const found = measured.filter((record) => record.workload === workload && implementation.test(record.implementation));
    const [fastest] = found.toSorted((a, b) => a.median - b.median);
    if (fastest === undefined) {
      return undefined;
    }
    const same = found.filter((record) => record.implementation === fastest.implementation);
    return { record: fastest, spread: Math.max(...same.map(({ median }) => median)) / fastest.median };
  };

  const columns = columnsOf(measured);
  const sections = [
    `# Benchmark\n\n${introduction(records)}`,
    times(workloads, columns, best),
    ...OURS.map((name) => ratios(name, workloads, columns, best, productRate(limits))),
    kernels(workloads, measured),
    limitsTable(limits),
    checks(workloads, measured),
    ...(withProfile ? workloads.map((workload) => profile(workload, best(/^tfjs-flows/, workload))) : []),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** Implementations, PyTorch's as one. */
interface Column {
  readonly title: string;
  readonly matches: RegExp;
}

function columnsOf(measured: readonly WorkloadRecord[]): Column[] {
  const names = [...new Set(measured.map(({ implementation }) => implementation))];
  const single = names.filter((name) => !name.startsWith('PyTorch'));
  const exactly = (name: string): RegExp => new RegExp(`^${name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
  return [
    ...single.map((name) => ({ title: name, matches: exactly(name) })),
    ...(single.length < names.length ? [{ title: 'fastest PyTorch', matches: /^PyTorch/ }] : []),
  ];
}

type Find = (implementation: RegExp, workload: string) => Best | undefined;

function introduction(records: readonly Record[]): string {
  const cpu = cpus();
  const versions = Object.entries({ 'TensorFlow.js': '@tensorflow/tfjs-core', 'jax-js': '@jax-js/jax' }).map(
    ([title, name]) => `${title} ${versionOf(name)}`,
  );
  const hasPeers = records.some(({ implementation }) => !implementation.startsWith('tfjs-flows'));
  return [
    `Written by \`npm run bench --${hasPeers ? ' --peers' : ''} --write\` on ${new Date().toISOString().slice(0, 10)}: ${cpu.length} cores of`,
    `${cpu[0]?.model ?? 'an unknown processor'}, Node ${process.version}, ${versions.join(', ')}.`,
    'A training step is the forward pass, gradients, Adam and the loss read back as a number. Figures are the best median of the',
    'processes, in brackets the worst median over the best. The processes take turns, so that ratios hold where machines vary.',
  ].join('\n');
}

function versionOf(name: string): string {
  try {
    return (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }).version;
  } catch {
    return '(not installed)';
  }
}

function times(workloads: readonly string[], columns: readonly Column[], best: Find): string {
  const rows = workloads.map((workload) => [
    workload,
    TITLES[workload] as string,
    ...columns.map(({ matches, title }) => {
      const found = best(matches, workload);
      if (found === undefined) {
        return '';
      }
      const which = title === 'fastest PyTorch' ? `, ${found.record.implementation.slice('PyTorch '.length)}` : '';
      return `${digits(found.record.median)} (${found.spread.toFixed(2)}${which})`;
    }),
  ]);
  return `## Milliseconds a step\n\n${table(['', 'workload', ...columns.map(({ title }) => title)], rows, 2)}`;
}

/** What is compared with the others. */
const OURS = ['tfjs-flows wasm', THREADED];

/** The share of the roofline, that of one thread, is with the rate of products measured in the same run. */
function ratios(
  name: string,
  workloads: readonly string[],
  columns: readonly Column[],
  best: Find,
  rate: number | undefined,
): string {
  const rivals = columns.filter(({ title }) => !title.startsWith('tfjs-flows'));
  const mine = new RegExp(`^${name}$`);
  const rows = workloads.flatMap((workload) => {
    const own = best(mine, workload);
    const needs = NEEDS[workload];
    if (own === undefined || needs === undefined) {
      return [];
    }
    const against = rivals.map(({ matches }) => {
      const other = best(matches, workload);
      return other === undefined ? '' : (own.record.median / other.record.median).toFixed(2);
    });
    const ideal = rate === undefined ? undefined : roofline(needs, rate);
    const roof = ideal === undefined ? [] : [digits(ideal), (own.record.median / ideal).toFixed(1)];
    const counts = [`${(needs.products / 1e6).toFixed(0)}`, `${(needs.transcendentals / 1e3).toFixed(0)}`];
    return [[workload, ...against, ...roof, ...counts]];
  });
  if (rows.length === 0) {
    return '';
  }
  const titles = [
    '',
    ...rivals.map(({ title }) => `/ ${title}`),
    ...(rate === undefined ? [] : [`roofline, ms (products at ${rate.toFixed(1)} GFLOP/s)`, '/ roofline']),
    'products, MFLOP',
    'transcendentals, thousands',
  ];
  return `## ${name}, as a ratio\n\n${table(titles, rows, 1)}`;
}

/** The best of the layouts, GFLOP/s. */
function productRate(limits: readonly LimitRecord[]): number | undefined {
  const found = limits.filter(({ implementation, what }) => implementation === 'tfjs-flows wasm' && what.startsWith('matmul'));
  return found.length === 0 ? undefined : Math.max(...found.map(({ value }) => value));
}

function kernels(workloads: readonly string[], measured: readonly WorkloadRecord[]): string {
  const counted = measured.filter(({ kernels }) => kernels !== undefined);
  const implementations = [...new Set(counted.map(({ implementation }) => implementation))].sort();
  const rows = workloads.map((workload) => [
    workload,
    ...implementations.map((implementation) => {
      const found = counted.find((record) => record.workload === workload && record.implementation === implementation);
      const { calls, programs } = found?.kernels ?? { calls: '', programs: 0 };
      return programs > 0 ? `${calls} (${programs})` : String(calls);
    }),
  ]);
  const note = "Kernels that a step runs, in brackets a GPU's programs.";
  return implementations.length === 0 ? '' : `## Kernels of a step\n\n${note}\n\n${table(['', ...implementations], rows, 1)}`;
}

function limitsTable(limits: readonly LimitRecord[]): string {
  if (limits.length === 0) {
    return '';
  }
  const implementations = [...new Set(limits.map(({ implementation }) => implementation))];
  const rows = [...new Set(limits.map(({ what, unit }) => `${what}, ${unit}`))].map((title) => [
    title,
    ...implementations.map((implementation) => {
      const found = limits.filter((limit) => limit.implementation === implementation && `${limit.what}, ${limit.unit}` === title);
      const values = found.map(({ value }) => value);
      return values.length === 0
        ? ''
        : digits(title.includes('GFLOP') || title.includes('GB/s') ? Math.max(...values) : Math.min(...values));
    }),
  ]);
  return `## What one thread can do\n\n${table(['', ...implementations], rows, 1)}`;
}

/** What came out, once for each implementation, and how large its process became at most. */
function checks(workloads: readonly string[], measured: readonly WorkloadRecord[]): string {
  const lines = workloads.flatMap((workload) => {
    const found = measured.filter((record) => record.workload === workload && record.checks !== '');
    const byName = new Map(found.map((record) => [record.implementation, record]));
    return [...byName.values()].map((record) => {
      const peaks = found
        .filter(({ implementation }) => implementation === record.implementation)
        .map(({ megabytes }) => megabytes[1]);
      return [workload, record.implementation, record.checks, String(record.parameters || ''), String(Math.max(...peaks))];
    });
  });
  return lines.length === 0
    ? ''
    : `## What came out\n\n${table(['', 'implementation', 'result', 'trained numbers', 'MB, the process at most'], lines, 3)}`;
}

function profile(workload: string, found: Best | undefined): string {
  const kernels = found?.record.kernels?.profile ?? [];
  const total = kernels.reduce((sum, { ms }) => sum + ms, 0);
  const rows = kernels
    .filter(({ ms }) => ms > 0.01 * total)
    .map(({ name, calls, ms }) => [name, String(calls), ms.toFixed(2), `${((100 * ms) / total).toFixed(0)} %`]);
  const title = `${workload}, ${found?.record.implementation}: ${total.toFixed(1)} ms in kernels of ${found?.record.median.toFixed(1)}`;
  return `## ${title}\n\n${table(['kernel', 'calls', 'ms', 'share'], rows, 1)}`;
}

/** Three significant digits, and never an exponent. */
const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** The first `left` columns hold words. */
function table(titles: readonly string[], rows: readonly (readonly string[])[], left: number): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = `|${titles.map((_, i) => (i < left ? '---|' : '--:|')).join('')}`;
  return [line(titles), rule, ...rows.map(line)].join('\n');
}
