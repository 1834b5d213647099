import { COUPLING_WORKLOADS } from './coupling.js';
import { PLANAR_WORKLOADS } from './planar.js';
import type { Workload } from './workload.js';

/** P1 ... P10, in order. */
export const WORKLOADS: readonly Workload[] = [...PLANAR_WORKLOADS, ...COUPLING_WORKLOADS].sort(
  (a, b) => Number(a.name.slice(1)) - Number(b.name.slice(1)),
);
