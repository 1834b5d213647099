import type { KernelConfig, Tensor } from '@tensorflow/tfjs-core';
import { getBackend, getKernel } from '@tensorflow/tfjs-core';
import type { Bijector, CallOptions } from './bijector.js';

/** A fused kernel as tfjs-core's registry holds it: one that knows how it is called. */
export interface FusedKernel extends KernelConfig {
  /** Runs it on the current backend, recorded for gradients like any op; undefined where it does not take such inputs. */
  call(inputs: readonly Tensor[], attributes: object): Tensor[] | undefined;
  /** The same for the first of these bijectors, as many as there are of its kind: y, log-det and how many. */
  stack(
    parts: readonly Pick<Bijector, 'stack'>[],
    x: Tensor,
    call: CallOptions,
  ): [y: Tensor, logDet: Tensor, count: number] | undefined;
}

/** What every fused kernel is told. */
export interface FusedAttributes {
  /** The same, of TensorFlow.js's ops. */
  composed(...inputs: Tensor[]): readonly Tensor[];
}

/**
 * Runs a fused kernel, recorded for gradients like any op, or the same composed of TensorFlow.js's ops where the current backend has no
 * such kernel, or has it for other inputs.
 *
 * Kernels come with `useBackend`, so a program that does not ask for them does not carry them.
 */
export const fused = <const Inputs extends readonly Tensor[], const Results extends readonly Tensor[]>(
  name: string | undefined,
  inputs: Inputs,
  composed: (...inputs: Inputs) => Results,
  attributes?: object,
): Results => (kernelOf(name)?.call(inputs, { ...attributes, composed }) as Results | undefined) ?? composed(...inputs);

/** The current backend's kernel of a name, where it has one. */
export const kernelOf = (name = ''): FusedKernel | undefined => getKernel(name, getBackend()) as FusedKernel | undefined;
