import type { Tensor } from '@tensorflow/tfjs-core';
import type { CallOptions } from './bijector.js';
import type { Module } from './module.js';

/** What a dequantizer's draw may take. */
export interface DequantizeOptions extends CallOptions {
  /** Leading axes of independent draws. Default []: one draw. */
  readonly shape?: readonly number[];
}

/** From discrete x in {0, ..., levels - 1} to continuous y = x + u, u in [0, 1), with log q(u | x). */
export interface Dequantizer extends Module {
  readonly name: string;
  readonly levels: number;
  /** Trailing axes of x that form one example. */
  readonly eventRank: number;
  /** x [...batch, ...event] -> y [...shape, ...batch, ...event] and log q(u | x) [...shape, ...batch]. floor(y) = x, always. */
  sampleAndLogProb(x: Tensor, options?: DequantizeOptions): [y: Tensor, logProb: Tensor];
  /** y -> x, exactly. */
  quantize(y: Tensor): Tensor;
}
