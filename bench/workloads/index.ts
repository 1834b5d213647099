import type { Workload } from '../contract.js';
import { AUTOREGRESSIVE_WORKLOADS } from './autoregressive.js';
import { COUPLING_WORKLOADS } from './coupling.js';
import { MIXTURE_INVERSE_WORKLOADS } from './mixtureInverse.js';
import { PLANAR_WORKLOADS } from './planar.js';
import { SURGERY_WORKLOADS } from './surgery.js';
import { VAE_WORKLOADS } from './vae.js';

/** P1 ... P10, in order. */
export const WORKLOADS: readonly Workload[] = [
  ...PLANAR_WORKLOADS,
  ...COUPLING_WORKLOADS,
  ...AUTOREGRESSIVE_WORKLOADS,
  ...VAE_WORKLOADS,
  ...SURGERY_WORKLOADS,
  ...MIXTURE_INVERSE_WORKLOADS,
].sort((a, b) => Number(a.name.slice(1)) - Number(b.name.slice(1)));
