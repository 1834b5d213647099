import type { Workload } from './contract.js';
import { agrees } from './contract.js';
import { BRIEF, measure, PATIENT } from './measure.js';
import type { KernelCount } from './records.js';
import { print } from './records.js';

/** What the process of an implementation is told. */
export interface Orders {
  /** Of TensorFlow.js. */
  readonly backend: string;
  /** Of this library. */
  readonly threads: 1 | 2;
  /** Names of workloads; empty for all. */
  readonly only: readonly string[];
  /** A few steps of each are enough. */
  readonly brief: boolean;
  /** Of each workload's measurement. */
  readonly seconds: number | undefined;
  /** Measure what the machine can do instead. */
  readonly limits: boolean;
}

/** Runs one workload after the other and prints what comes out. `count` counts the kernels of a step. */
export async function runWorkloads(
  implementation: string,
  workloads: readonly Workload[],
  { only, brief, seconds }: Orders,
  count?: (step: () => Promise<unknown>, runs: number) => Promise<KernelCount>,
): Promise<void> {
  const patience = { ...(brief ? BRIEF : PATIENT), ...(seconds === undefined ? {} : { seconds }) };
  for (const { name, make } of workloads) {
    if (only.length > 0 && !only.includes(name)) {
      continue;
    }
    try {
      const before = peakMegabytes();
      const workload = make();
      const comparisons = await workload.check(!brief);
      const times = await measure(workload.step, patience);
      const after = peakMegabytes();
      const kernels = await count?.(workload.step, brief || times.median > 1000 ? 1 : 3);
      workload.dispose();
      const checks = comparisons.map((each) => {
        const wrong = agrees(each) ? '' : ` (WRONG: ${each.expected})`;
        return `${each.what} ${Number(each.got.toPrecision(6))}${wrong}`;
      });
      print({
        kind: 'workload',
        implementation,
        workload: name,
        ...times,
        parameters: workload.parameters,
        checks: checks.join(', '),
        isRight: comparisons.every(agrees),
        megabytes: [before, after],
        ...(kernels === undefined ? {} : { kernels }),
      });
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      print({ kind: 'failure', implementation, workload: name, reason });
    }
  }
}

/** 0 in a browser. */
function peakMegabytes(): number {
  const { process } = globalThis as Partial<typeof globalThis>;
  return process === undefined ? 0 : Math.round(process.resourceUsage().maxRSS / 1024);
}
