import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { addN, engine, getGradient, mul, registerGradient, sum, zerosLike } from '@tensorflow/tfjs-core';

/** How a fused kernel is differentiated. */
export interface FusedGradient<Attributes> {
  /** The kernel's name. */
  readonly name: string;
  /** How many outputs it has. */
  readonly outputs: number;
  /** The same, of TensorFlow.js's ops. */
  composed(inputs: readonly Tensor[], attributes: Attributes): readonly Tensor[];
  /** Gradients by other kernels: one for each input, or what makes it, where it may not be wanted. */
  gradients(
    dys: readonly Tensor[],
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
    attributes: Attributes,
  ): readonly (Tensor | (() => Tensor))[];
}

/**
 * Registers the gradient of a fused kernel, once for all backends.
 *
 * Kernels of gradients have no gradients of their own: where a derivative is itself differentiated, it is composed of TensorFlow.js's
 * ops, which have all of them.
 */
export function registerFusedGradient<Attributes>(config: FusedGradient<Attributes>): void {
  const { name, outputs: count, composed, gradients } = config;
  if (getGradient(name) !== undefined) {
    return;
  }
  registerGradient({
    kernelName: name,
    saveAllInputs: true,
    outputsToSave: Array(count).fill(true),
    gradFunc: (dy, saved, attributes) => {
      const dys = ([] as Tensor[]).concat(dy);
      const inputs = saved.slice(0, -count);
      const settings = attributes as unknown as Attributes;
      const isNested = engine().state.gradientDepth > 0;
      const all = isNested
        ? composedGradients((each) => composed(each, settings), inputs, dys)
        : gradients(dys, inputs, saved.slice(-count), settings);
      return Object.fromEntries(all.map((gradient, i) => [i, typeof gradient === 'function' ? gradient : () => gradient]));
    },
  });
}

/** Gradients of sum_i <f_i, dy_i> in all inputs. */
function composedGradients(
  f: (inputs: readonly Tensor[]) => readonly Tensor[],
  inputs: readonly Tensor[],
  dys: readonly Tensor[],
): Tensor[] {
  const { grads } = engine().gradients(
    () => addN(f(inputs).map((y, i) => sum(mul(y, dys[i] as Tensor)))),
    [...inputs],
    undefined,
    true,
  );
  return (grads as (Tensor | undefined)[]).map((gradient, i) => gradient ?? zerosLike(inputs[i] as Tensor));
}

/** Runs a kernel that is no part of a graph. */
export function runKernel(name: string, inputs: readonly Tensor[], attributes: object = {}): Tensor[] {
  return ([] as Tensor[]).concat(engine().runKernel(name, inputs as unknown as NamedTensorMap, attributes as never));
}
