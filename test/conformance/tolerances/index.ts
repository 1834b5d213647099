import type { BijectorTolerance } from 'tfjs-flows/testing';
import { cpu } from './cpu.js';
import { wasm } from './wasm.js';
import { webgl } from './webgl.js';
import { webgpu } from './webgpu.js';

/** What a backend is held to, and how often each law is tried there. */
export interface Expectation {
  readonly bijector: BijectorTolerance;
  /** Integrals and moments of distributions. */
  readonly distribution: number;
  /** Draws of parameters and inputs for each line of the table. */
  readonly runs: number;
  /** Batch shapes to draw from. */
  readonly batches: readonly (readonly number[])[];
  /** Finite differences for each parameter by itself, or for all at once. */
  readonly gradients: 'each' | 'joint';
  readonly samples: number;
  /** Grid cells a coordinate for densities over two elements. */
  readonly cells: number;
}

export const expectations: Readonly<Record<string, Expectation>> = { cpu, wasm, webgl, webgpu };
